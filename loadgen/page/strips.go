package page

import (
	"fmt"
	"math"
	"strings"

	"tailrace/loadgen/meter"
	"tailrace/loadgen/plan"
	"tailrace/loadgen/result"
)

const stripHeight = 190

// throughput draws what was offered, acknowledged and consumed.
func throughput(r *result.Run, columns []column) Figure {
	p := Plot{Label: "records a second over the run", Height: stripHeight, X: timeAxis(columns)}
	rates := func(n meter.Counter) []Point {
		return steps(columns, func(c *column) float64 { return c.rate(n) })
	}
	if offered := offeredOver(r, columns); offered != nil {
		p.Lines = append(p.Lines, Line{"offered", Reference, offered})
	}
	if sum := r.Series.Counts(); sum[meter.Acked] > 0 {
		p.Lines = append(p.Lines, Line{"acknowledged", Response, rates(meter.Acked)})
		if sum[meter.Consumed] > 0 {
			p.Lines = append(p.Lines, Line{"consumed", EndToEnd, rates(meter.Consumed)})
		}
	} else {
		p.Lines = append(p.Lines, Line{"consumed", EndToEnd, rates(meter.Consumed)})
	}
	most := 0.0
	for _, l := range p.Lines {
		most = max(most, largest(l.Points))
	}
	p.Y = Linear("records/s", most, nil)
	f := p.timeFigure(columns, func(c *column) string {
		text := fmt.Sprintf("acknowledged %s/s (%s/s)", Count(c.rate(meter.Acked)), Bytes(c.rate(meter.AckedBytes)))
		if n := c.counts[meter.Consumed]; n > 0 {
			text += fmt.Sprintf(" · consumed %s/s", Count(c.rate(meter.Consumed)))
		}
		return text + fmt.Sprintf(" · schedule lag up to %s", Latency(float64(c.maxLag)/1e6))
	})
	f.Caption = "Throughput"
	return f
}

// offeredOver is the schedule as it was meant, which nothing that happened moves; nil at full speed.
func offeredOver(r *result.Run, columns []column) []Point {
	p, err := r.Plan()
	if err != nil || p.Rate.Shape == plan.Full || len(columns) == 0 || p.Producers == 0 {
		return nil
	}
	from, length := p.Warmup.Seconds(), p.Duration.Seconds()
	if p.Records > 0 && p.Rate.Shape == plan.Constant {
		length = float64(p.Records) / p.Rate.From
	}
	end := math.Min(from+length, columns[len(columns)-1].to)
	switch p.Rate.Shape {
	case plan.Ramp:
		reached := p.Rate.From + (p.Rate.To-p.Rate.From)*(end-from)/length
		return []Point{{from, p.Rate.From}, {end, reached}}
	case plan.Steps:
		var list []Point
		each := length / float64(len(p.Rate.Levels))
		for i, v := range p.Rate.Levels {
			if a := from + float64(i)*each; a < end {
				list = append(list, Point{a, v}, Point{min(a+each, end), v})
			}
		}
		return list
	}
	return []Point{{from, p.Rate.From}, {end, p.Rate.From}}
}

// failures draws records that were refused.
func failures(r *result.Run, columns []column) Figure {
	p := Plot{Label: "refused records a second over the run", Height: stripHeight, X: timeAxis(columns)}
	points := steps(columns, func(c *column) float64 { return c.rate(meter.Errors) })
	p.Y = Linear("refused records/s", largest(points), nil)
	p.Lines = []Line{{"", Bad, points}}
	if r.Totals.Failed == 0 {
		p.Empty, p.Height, p.Y.Ticks = "no record was refused", stripHeight/2+20, []float64{0}
	}
	f := p.timeFigure(columns, func(c *column) string {
		return fmt.Sprintf("refused %s", plural(c.counts[meter.Errors], "record", "records"))
	})
	f.Caption = "Errors"
	return f
}

func cores(c *result.SecondCost) float64 {
	if c == nil {
		return math.NaN()
	}
	return c.Cores
}

// processors draws the CPU that broker and generator used.
func processors(r *result.Run, columns []column) Figure {
	p := Plot{Label: "CPU of broker and load generator over the run", Height: stripHeight, X: timeAxis(columns)}
	broker := steps(columns, func(c *column) float64 { return cores(c.broker) })
	self := steps(columns, func(c *column) float64 { return cores(c.generator) })
	most := largest(broker, self)
	if n := float64(r.Generator.CoresAllowed); n > 0 && most > n/4 {
		p.Lines = append(p.Lines, Line{"cores that loadgen may use", Reference, []Point{{p.X.Low, n}, {p.X.High, n}}})
		most = max(most, n)
	}
	if r.Broker.Cost != nil {
		p.Lines = append(p.Lines, Line{"broker", Broker, broker})
	}
	p.Lines = append(p.Lines, Line{"loadgen", Generator, self})
	p.Y = Linear("cores in use", most, nil)
	f := p.timeFigure(columns, func(c *column) string {
		var parts []string
		if c.broker != nil {
			parts = append(parts, fmt.Sprintf("broker %.2f cores", c.broker.Cores))
		}
		if c.generator != nil {
			parts = append(parts, fmt.Sprintf("loadgen %.2f cores", c.generator.Cores))
		}
		return strings.Join(parts, " · ")
	})
	f.Caption = "CPU"
	if r.Broker.Cost == nil {
		f.Caption = "CPU (of loadgen alone: the broker's process is not known here)"
	}
	return f
}

// memory draws what the broker had resident; nil if that is not known.
func memory(r *result.Run, columns []column) *Figure {
	if r.Broker.Cost == nil || r.Broker.Cost.PeakAnon+r.Broker.Cost.PeakFile == 0 {
		return nil
	}
	p := Plot{Label: "resident memory of the broker over the run", Height: stripHeight, X: timeAxis(columns)}
	resident := func(of func(c *result.SecondCost) int64) []Point {
		return steps(columns, func(c *column) float64 {
			if c.broker == nil {
				return math.NaN()
			}
			return float64(of(c.broker))
		})
	}
	own := resident(func(c *result.SecondCost) int64 { return c.Anon })
	file := resident(func(c *result.SecondCost) int64 { return c.File })
	p.Y = Linear("resident memory", largest(own, file), ShortBytes)
	p.Lines = []Line{{"its own (anonymous)", Broker, own}, {"mapped files", Reference, file}}
	f := p.timeFigure(columns, func(c *column) string {
		if c.broker == nil {
			return "not known"
		}
		return fmt.Sprintf("its own %s · mapped files %s", Bytes(float64(c.broker.Anon)), Bytes(float64(c.broker.File)))
	})
	f.Caption = "Memory of the broker"
	return &f
}
