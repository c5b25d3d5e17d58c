// Package machine says where a run took place, so that two reports can be told apart by more than their figures: the
// processor, the kernel, the file system, what a synced write costs there, and how much of the CPU others took.
//
// It reads /proc and /sys and writes one small file for the fsync probe, which it removes. What cannot be read is left
// empty, never guessed. Functions may be called from any goroutine.
package machine
