package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
)

const (
	headerBytes = 16
	// maxBytes is MongoDB's own limit, and FerretDB's.
	maxBytes = 48_000_000
	// opMsg is the only kind of message that can write; the older ones only say hello.
	opMsg         = 2013
	flagsEnd      = headerBytes + 4
	moreToComeBit = 1 << 1
)

// message is one whole message of the wire protocol: length, request id, id of what it answers, kind,
// each an int32, little-endian; then what the kind says.
type message []byte

func readMessage(from io.Reader) (message, error) {
	var length [4]byte
	if _, err := io.ReadFull(from, length[:]); err != nil {
		return nil, err
	}
	size := binary.LittleEndian.Uint32(length[:])
	if size < headerBytes || size > maxBytes {
		return nil, fmt.Errorf("a message of %d bytes", size)
	}
	whole := make(message, size)
	copy(whole, length[:])
	_, err := io.ReadFull(from, whole[len(length):])
	return whole, err
}

func (m message) isOpMsg() bool {
	return len(m) >= flagsEnd && binary.LittleEndian.Uint32(m[12:]) == opMsg
}

// wantsNoAnswer tells a write with w: 0.
func (m message) wantsNoAnswer() bool {
	return m.isOpMsg() && binary.LittleEndian.Uint32(m[headerBytes:])&moreToComeBit != 0
}

// writes tells whether the message is a command that FerretDB would let others come between.
func (m message) writes() bool {
	switch m.command() {
	case "update", "findAndModify", "findandmodify", "insert", "delete":
		return true
	}
	return false
}

// command is the first key of the one document of kind 0; "" for what is none or makes no sense, which
// is left to FerretDB to refuse.
func (m message) command() string {
	if !m.isOpMsg() {
		return ""
	}
	// A section is a byte for its kind, then its size as an int32 that counts itself. Lists of
	// documents, of kind 1, may come first.
	for rest := m[flagsEnd:]; len(rest) >= 5; {
		kind, body := rest[0], rest[1:]
		if kind == 0 {
			// A BSON document: its size, the type of the first value in a byte, and its key up to a NUL.
			key, _, _ := bytes.Cut(body[min(5, len(body)):], []byte{0})
			return string(key)
		}
		size := int(binary.LittleEndian.Uint32(body))
		if size < 4 || size > len(body) {
			return ""
		}
		rest = body[size:]
	}
	return ""
}
