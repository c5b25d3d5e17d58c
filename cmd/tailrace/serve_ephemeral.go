package main

import (
	"fmt"
	"log/slog"
	"os"
)

// ephemeralPrefix begins the name of the directory of `serve --ephemeral`. One that is still there when nobody runs was
// left by a process that was killed, and may be removed.
const ephemeralPrefix = "tailrace-ephemeral-"

// makeEphemeral gives the broker a data directory of its own, which the function that is returned removes. Data is
// written, synced and checked in it as in any other; only its end is different.
func (f *serveFlags) makeEphemeral() (remove func(*slog.Logger), err error) {
	dir, err := os.MkdirTemp("", ephemeralPrefix)
	if err != nil {
		return nil, fmt.Errorf("--ephemeral: %w; TMPDIR names another place", err)
	}
	f.data = dir
	return func(logger *slog.Logger) {
		if err := os.RemoveAll(dir); err != nil {
			logger.Warn("the data directory was not removed", "dir", dir, "error", err)
		}
	}, nil
}
