package main

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"tailrace/batch"
)

func newLogDump() *cobra.Command {
	var (
		out     format
		records bool
	)
	cmd := &cobra.Command{
		Use:   "dump PATH...",
		Short: "Print what the files of a log say",
		Long: "Print what the files of a log say: segments, indexes, producer snapshots, checkpoints. PATH is a file or a\n" +
			"directory. Nothing is changed, and a broker may be running. The exit code is 1 if something is damaged.",
		Example: "  tailrace log dump tailrace-data/log/orders-0\n" +
			"  tailrace log dump --records tailrace-data/log/orders-0/00000000000000000000.log",
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, paths []string) error {
			w := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
			d := &dump{sink: sink{w: w, format: out}, records: records}
			err := d.all(paths)
			if flushErr := w.Flush(); err == nil {
				err = flushErr
			}
			if err == nil {
				err = damaged(d.damages)
			}
			return err
		},
	}
	out.addTo(cmd, manyLines)
	cmd.Flags().BoolVar(&records, "records", false, "print the records of each batch too")
	return cmd
}

// row is a line of a dump.
type row interface{ text() string }

// sink writes rows as text or as JSON, one a line.
type sink struct {
	w      *bufio.Writer
	format format
}

func (s *sink) write(r row) error {
	if s.format == formatJSON {
		return encoder(s.w).Encode(r)
	}
	_, err := s.w.WriteString(r.text() + "\n")
	return err
}

// dump prints files.
type dump struct {
	sink
	records bool
	damages int
	walker  batch.Walker
}

func (d *dump) all(paths []string) error {
	for _, path := range paths {
		files, err := filesBelow(path)
		if err != nil {
			return err
		}
		files = slices.DeleteFunc(files, func(name string) bool {
			k, _ := kindOf(name)
			return k == kindUnknown
		})
		if len(files) == 0 {
			return usage("%s is no file of a log, and no directory with one", path)
		}
		for _, f := range files {
			if err := d.file(f); err != nil && !(os.IsNotExist(err) && f != path) { // gone meanwhile
				return err
			}
		}
	}
	return nil
}

func (d *dump) file(path string) error {
	k, _ := kindOf(path)
	if d.format != formatJSON {
		fmt.Fprintf(d.w, "== %s\n", path)
	}
	switch k {
	case kindLog:
		return d.log(path)
	case kindIndex, kindTimeIndex, kindTxnIndex:
		return d.index(path, k)
	case kindSnapshot:
		return d.snapshot(path)
	case kindEpochs, kindCheckpoint, kindMetadata, kindText:
		return d.small(path, k)
	}
	return nil
}

// damage prints a place where path is damaged.
func (d *dump) damage(path string, pos int64, reason string) error {
	d.damages++
	return d.write(damageRow{"damage", damage{path, pos, reason}})
}

type damageRow struct {
	Kind string `json:"kind"`
	damage
}

// batchRow is a batch as dump tells it; the keys are stable.
type batchRow struct {
	Kind          string `json:"kind"`
	File          string `json:"file"`
	Position      int64  `json:"position"`
	Bytes         int    `json:"bytes"`
	BaseOffset    int64  `json:"base_offset"`
	LastOffset    int64  `json:"last_offset"`
	Records       int    `json:"records"`
	Codec         string `json:"codec"`
	LeaderEpoch   int32  `json:"leader_epoch"`
	TimestampType string `json:"timestamp_type"`
	BaseTimestamp int64  `json:"base_timestamp_ms"`
	MaxTimestamp  int64  `json:"max_timestamp_ms"`
	ProducerID    int64  `json:"producer_id"`
	ProducerEpoch int16  `json:"producer_epoch"`
	BaseSequence  int32  `json:"base_sequence"`
	Transactional bool   `json:"transactional"`
	Control       bool   `json:"control"`
	CRC           string `json:"crc"`
}

func newBatchRow(file string, pos int64, v batch.View) batchRow {
	timestamps := "create"
	if v.TimestampType() == batch.LogAppendTime {
		timestamps = "append"
	}
	return batchRow{
		Kind: "batch", File: file, Position: pos, Bytes: len(v), Records: v.Count(),
		BaseOffset: int64(v.BaseOffset()), LastOffset: int64(v.LastOffset()),
		Codec: v.Codec().String(), LeaderEpoch: int32(v.LeaderEpoch()), TimestampType: timestamps,
		BaseTimestamp: v.BaseTimestamp(), MaxTimestamp: v.MaxTimestamp(),
		ProducerID: v.ProducerID(), ProducerEpoch: v.ProducerEpoch(), BaseSequence: v.BaseSequence(),
		Transactional: v.IsTransactional(), Control: v.IsControl(), CRC: fmt.Sprintf("%08x", v.CRC()),
	}
}

func (r batchRow) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "position=%d bytes=%d offsets=%d..%d records=%d codec=%s epoch=%d %s=%s",
		r.Position, r.Bytes, r.BaseOffset, r.LastOffset, r.Records, r.Codec, r.LeaderEpoch,
		r.TimestampType+"-time", moment(r.MaxTimestamp))
	if r.ProducerID >= 0 {
		fmt.Fprintf(&b, " producer=%d/%d sequence=%d", r.ProducerID, r.ProducerEpoch, r.BaseSequence)
	}
	if r.Transactional {
		b.WriteString(" transactional")
	}
	if r.Control {
		b.WriteString(" control")
	}
	return b.String()
}

// moment is a timestamp of a record in words.
func moment(ms int64) string {
	if ms == batch.NoTimestamp {
		return "none"
	}
	return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z")
}

type reservedRow struct {
	Kind     string `json:"kind"`
	File     string `json:"file"`
	Position int64  `json:"position"`
	Bytes    int64  `json:"bytes"`
}

func (r reservedRow) text() string {
	return fmt.Sprintf("position=%d: %d bytes reserved for what comes next", r.Position, r.Bytes)
}

// log prints the batches of a segment, and what is no batch.
func (d *dump) log(path string) error {
	f, size, err := openRead(path)
	if err != nil {
		return err
	}
	defer f.Close()
	s := &scan{file: f, size: size, base: baseOf(path), live: true}
	for {
		found, ok, err := s.step()
		switch {
		case err != nil || !ok:
			return err
		case found.Reserved > 0:
			err = d.write(reservedRow{"reserved", path, found.Pos, found.Reserved})
		case found.View != nil:
			err = d.batch(path, found)
		default:
			err = d.damage(path, found.Pos, found.Reason)
		}
		if err != nil {
			return err
		}
	}
}

func (d *dump) batch(path string, f found) error {
	if err := d.write(newBatchRow(path, f.Pos, f.View)); err != nil {
		return err
	}
	if f.Reason != "" {
		return d.damage(path, f.Pos, f.Reason)
	}
	if !d.records {
		return nil
	}
	var r batch.Record
	for d.walker.Reset(f.View, 0); d.walker.Next(&r); {
		if err := d.write(newRecordRow(path, &r)); err != nil {
			return err
		}
	}
	if err := d.walker.Err(); err != nil {
		return d.damage(path, f.Pos, err.Error())
	}
	return nil
}

// recordRow is a record of a batch, with the fields that consume gives it.
type recordRow struct {
	Kind string `json:"kind"`
	File string `json:"file"`
	contentJSON
	record kgo.Record
}

func newRecordRow(path string, r *batch.Record) recordRow {
	rec := kgo.Record{Offset: int64(r.Offset), Timestamp: time.UnixMilli(r.TimestampMs), Key: r.Key, Value: r.Value}
	for _, h := range r.Headers {
		rec.Headers = append(rec.Headers, kgo.RecordHeader{Key: string(h.Key), Value: h.Value})
	}
	return recordRow{"record", path, toJSON(&rec), rec}
}

func (r recordRow) text() string {
	line := fmt.Sprintf("  offset=%d time=%s key=%s value=%s",
		r.Offset, moment(r.TimestampMs), quoted(r.record.Key), quoted(r.record.Value))
	for _, h := range r.record.Headers {
		line += fmt.Sprintf(" header %q=%s", h.Key, quoted(h.Value))
	}
	return line
}

func quoted(b []byte) string {
	if b == nil {
		return "null"
	}
	return fmt.Sprintf("%q", b)
}
