//go:build realclients

package crash

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// space is a mount name space: a process that holds mounts which nobody else sees and which are gone with it. It needs
// no root where user name spaces are allowed.
type space struct {
	pid int
}

// newSpace makes one and runs a shell command in it, which mounts.
func newSpace(t *testing.T, mount string) *space {
	t.Helper()
	args := []string{"--mount", "sh", "-c", mount + " && echo mounted && exec sleep infinity"}
	if os.Getuid() != 0 {
		args = append([]string{"--map-root-user"}, args...)
	}
	cmd := exec.Command("unshare", args...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "mounted\n" {
		t.Fatalf("a mount name space could not be made (%v): %s", err, &complaint)
	}
	return &space{cmd.Process.Pid}
}

// enter is the command that runs what follows it inside.
func (s *space) enter() []string {
	args := []string{"nsenter", "--target", fmt.Sprint(s.pid), "--mount"}
	if os.Getuid() != 0 {
		args = append(args, "--user", "--preserve-credentials")
	}
	return args
}

// path is where a path inside is found from outside.
func (s *space) path(inside string) string {
	return filepath.Join("/proc", fmt.Sprint(s.pid), "root", inside)
}
