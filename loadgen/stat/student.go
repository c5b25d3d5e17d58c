package stat

import "math"

// studentQuantile is the value that Student's t with so many degrees of freedom stays below with probability p ≥ 0.5.
// Degrees need not be whole (Welch). It inverts the distribution by bisection, to nine digits.
func studentQuantile(p, degrees float64) float64 {
	low, high := 0.0, 1.0
	for studentBelow(high, degrees) < p && high < 1e12 {
		high *= 2
	}
	for range 200 {
		middle := (low + high) / 2
		if studentBelow(middle, degrees) < p {
			low = middle
		} else {
			high = middle
		}
		if high-low < 1e-9*high {
			break
		}
	}
	return (low + high) / 2
}

// studentBelow is the distribution function at t ≥ 0.
func studentBelow(t, degrees float64) float64 {
	return 1 - betaShare(degrees/2, 0.5, degrees/(degrees+t*t))/2
}

// betaShare is the regularized incomplete beta function, from its continued fraction (Lentz's method).
func betaShare(a, b, x float64) float64 {
	if x <= 0 {
		return 0
	}
	if x >= 1 {
		return 1
	}
	if x > (a+1)/(a+b+2) { // the fraction converges quickly on one side only
		return 1 - betaShare(b, a, 1-x)
	}
	la, _ := math.Lgamma(a)
	lb, _ := math.Lgamma(b)
	lab, _ := math.Lgamma(a + b)
	front := math.Exp(lab-la-lb+a*math.Log(x)+b*math.Log1p(-x)) / a
	const tiny = 1e-300
	c, d := 1.0, 1/nonzero(1-(a+b)*x/(a+1), tiny)
	f := d
	for m := 1.0; m < 500; m++ {
		even := m * (b - m) * x / ((a + 2*m - 1) * (a + 2*m))
		d = 1 / nonzero(1+even*d, tiny)
		c = nonzero(1+even/c, tiny)
		f *= c * d
		odd := -(a + m) * (a + b + m) * x / ((a + 2*m) * (a + 2*m + 1))
		d = 1 / nonzero(1+odd*d, tiny)
		c = nonzero(1+odd/c, tiny)
		step := c * d
		f *= step
		if math.Abs(step-1) < 1e-14 {
			break
		}
	}
	return front * f
}

func nonzero(v, tiny float64) float64 {
	if math.Abs(v) < tiny {
		return tiny
	}
	return v
}
