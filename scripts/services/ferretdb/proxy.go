package main

import (
	"bufio"
	"errors"
	"log"
	"net"
	"sync"
	"time"
)

// writing is held while FerretDB works on a write. FerretDB reads the documents, filters them in Go and
// writes them by their id, so of two that want to change one document from the same state both could
// win; in MongoDB one does.
var writing sync.Mutex

// retryTime is how long to wait when a connection could not be taken, as without file descriptors.
const retryTime = 100 * time.Millisecond

// acceptClients joins every client to FerretDB until clients is closed.
func acceptClients(clients net.Listener) {
	for {
		client, err := clients.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			log.Printf("ferretdb: cannot take a connection: %s", err)
			time.Sleep(retryTime)
			continue
		}
		go join(client)
	}
}

// join passes requests and answers until one of both sides closes, and then closes the other.
func join(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", socketName)
	if err != nil {
		return
	}
	defer server.Close()

	answers := make(chan message)
	done := make(chan struct{})
	defer close(done)
	go func() {
		readAnswers(server, answers, done)
		// Only the reading ends: the last answer may still be on its way to the client.
		_ = client.SetReadDeadline(time.Now())
	}()

	requests := bufio.NewReader(client)
	for {
		request, err := readMessage(requests)
		if err != nil {
			return
		}
		answer := exchange(server, request, answers)
		if answer == nil {
			return
		}
		// FerretDB answers everything, and this client would take it for the answer to its next request.
		if request.wantsNoAnswer() {
			continue
		}
		if _, err := client.Write(answer); err != nil {
			return
		}
	}
}

// readAnswers reads all the time, not only after a request: FerretDB's end of a connection is to reach
// an idle client too. It closes answers.
func readAnswers(server net.Conn, answers chan<- message, done <-chan struct{}) {
	defer close(answers)
	from := bufio.NewReader(server)
	for {
		answer, err := readMessage(from)
		if err != nil {
			return
		}
		select {
		case answers <- answer:
		case <-done:
			return
		}
	}
}

// exchange returns nil when FerretDB ended the connection. Request and answer are whole in memory, so a
// slow client does not hold the lock; one that left does, until its write is over.
func exchange(server net.Conn, request message, answers <-chan message) message {
	if request.writes() {
		writing.Lock()
		defer writing.Unlock()
	}
	if _, err := server.Write(request); err != nil {
		return nil
	}
	return <-answers
}
