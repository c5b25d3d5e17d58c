// Package faultfs is a vfs.FS in memory that fails on demand.
package faultfs
