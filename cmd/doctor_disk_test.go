package cmd_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
)

// closedPort is an address of this machine at which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

func atoi(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// mayMount reports whether this process may mount a disk: root may, but not in every container.
func mayMount(t *testing.T) bool {
	t.Helper()
	dir := t.TempDir()
	if err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=1m", "none", dir).Run(); err != nil {
		t.Logf("mount: %v: set-ups that need a disk of their own are left out", err)
		return false
	}
	if err := exec.CommandContext(t.Context(), "umount", dir).Run(); err != nil {
		t.Error(err)
	}
	return true
}

// mounted is a small disk of its own, which only root can make.
func mounted(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "mount", "-t", "tmpfs", "-o", "size=1m", "none", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "-l", dir).Run() })
	return dir
}

// readOnly is a folder in which no file can be made, not even by root.
func readOnly(t *testing.T) string {
	t.Helper()
	if os.Geteuid() != 0 {
		dir := t.TempDir()
		if err := os.Chmod(dir, 0o500); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	dir := mounted(t)
	if out, err := exec.CommandContext(t.Context(), "mount", "-o", "remount,ro", dir).CombinedOutput(); err != nil {
		t.Fatalf("mount: %v: %s", err, out)
	}
	return dir
}

// fullDisk is a folder on a disk without room.
func fullDisk(t *testing.T) string {
	t.Helper()
	dir := mounted(t)
	for size := 1 << 20; size > 0; size /= 2 {
		name := filepath.Join(dir, "fill"+strconv.Itoa(size))
		if os.WriteFile(name, make([]byte, size), 0o600) != nil {
			_ = os.Remove(name)
		}
	}
	return dir
}
