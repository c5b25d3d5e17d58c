package logdir

// LowSpace reports whether the file system has less room than is to be kept
// free. Produce is refused then: what is left is for checkpoints and for the
// metadata log, without which not even a deletion that makes room could be
// recorded. It is measured about once a second while the directory is in use,
// so a fast producer may still meet the full disk itself; that is refused just
// as cleanly.
func (d *Dir) LowSpace() bool { return d.low.Load() }

// measureSpace looks at the file system. A failed look says nothing.
func (d *Dir) measureSpace() (low bool) {
	u, err := d.o.FS.Usage(d.o.Path)
	if err != nil || u.TotalBytes <= 0 {
		return d.low.Load()
	}
	keep := min(d.o.ReserveFreeBytes, u.TotalBytes/20)
	low = u.FreeBytes < keep
	if was := d.low.Swap(low); was != low {
		if low {
			d.o.Logger.Error("disk is nearly full: produce is refused, fetch goes on; free space or lower retention",
				"dir", d.o.Path, "free_bytes", u.FreeBytes, "kept_free_bytes", keep)
		} else {
			d.o.Logger.Info("disk has space again: produce is accepted", "dir", d.o.Path, "free_bytes", u.FreeBytes)
		}
	}
	return low
}
