package doctor

import (
	"context"

	"github.com/dustin/go-humanize"
)

// Machine is what this machine is asked.
type Machine interface {
	// Files returns how many files the process may open; known is false where the system has no
	// such limit.
	Files() (limit uint64, known bool)
	// Disk looks at the file system of a folder; known is false where it cannot be asked.
	Disk(folder string) (d Disk, known bool)
}

// Disk is one file system, as far as it concerns this user.
type Disk struct {
	Free    uint64 // bytes
	Network string // the kind of a network file system; empty for another
	Denied  error  // why no file can be made in the folder; nil if one can
}

// What is little of a disk: below low an hour of a harvest may fill it, below full nothing lands.
const (
	lowDisk  = 1 << 30
	fullDisk = 1 << 20
)

// ownFiles is how many files a worker has open besides one for each request in flight.
const ownFiles = 64

// OnMachine is the checks of this machine. concurrency is how many requests a worker has in flight,
// folder is where it works.
func OnMachine(concurrency int, folder string, here Machine) Group {
	return Group{Name: "machine", Rows: []Row{
		{Name: "machine.files", About: "open files", Look: func(context.Context) Finding {
			limit, known := here.Files()
			need := uint64(concurrency + ownFiles)
			switch {
			case !known:
				return unknown("this system has no such limit")
			case limit < need:
				return warn("ulimit -n 4096 in the shell, LimitNOFILE=4096 in a systemd unit, or a lower --concurrency",
					"a process may open %d, and a worker with %d requests in flight may need %d", limit, concurrency, need)
			}
			return fine("%d, and a worker may need %d", limit, need)
		}},
		{Name: "machine.disk", About: "disk of this folder", Look: func(context.Context) Finding { return free(here, folder, nil) }},
	}}
}

// free judges the free space of a folder; full is what a worker meets where there is none, nil for
// a folder that it does not write to.
func free(here Machine, folder string, full error) Finding {
	disk, known := here.Disk(folder)
	text := humanize.IBytes(disk.Free) + " free"
	switch {
	case !known:
		return unknown("the system does not report its free space")
	case disk.Free < fullDisk && full != nil:
		return wrongly(full, "free some space, or name a file on another disk", "%s on the disk of %s: nothing can land", text, folder)
	case disk.Free < lowDisk:
		return warn("free some space, or use another disk", "%s on the disk of %s", text, folder)
	}
	return fine("%s", text)
}
