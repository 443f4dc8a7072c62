package main

import (
	"errors"
	"net"
	"os"
)

// socketName is where FerretDB itself listens, behind the proxy: a file in the data's folder, so that
// it goes away with a test's folder even after SIGKILL.
const socketName = "ferretdb.sock"

// claimSocket makes folder the working directory and its socket free to listen on. A socket's whole
// path must fit in about a hundred bytes, which only a relative one does in every folder.
func claimSocket(folder string) error {
	if err := os.Chdir(folder); err != nil {
		return err
	}
	// Two processes would not know of each other's writes, so one folder has one.
	if other, err := net.Dial("unix", socketName); err == nil {
		_ = other.Close()
		return errors.New("another process serves this folder; end it first, or name another folder")
	}
	// What a killed process left behind.
	if err := os.Remove(socketName); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
