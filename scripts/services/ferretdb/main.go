// Command ferretdb serves the MongoDB wire protocol from a folder of SQLite files.
// It exists because FerretDB's own main panics when it is built outside its repository, and because
// FerretDB's writes are not atomic per document as MongoDB's are; see proxy.go.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log"
	"log/slog"
	"net"
	"net/url"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/FerretDB/FerretDB/ferretdb"
)

// drainTime bounds how long open connections may hold up the end. FerretDB itself gives them
// seconds, and a test's driver seldom closes first; what was answered is in SQLite already.
const drainTime = 300 * time.Millisecond

func main() {
	dir := flag.String("dir", "", "folder of the data, made if missing")
	addr := flag.String("addr", "127.0.0.1:0", "address to listen on; port 0 takes a free one")
	stopWithStdin := flag.Bool("stop-with-stdin", false, "end when stdin closes, that is, with the starter")
	flag.Parse()
	log.SetFlags(0)
	if *dir == "" {
		log.Fatal("ferretdb: --dir is missing: name the folder that is to hold the data")
	}

	folder, err := filepath.Abs(*dir)
	if err == nil {
		err = os.MkdirAll(folder, 0o755)
	}
	if err != nil {
		log.Fatalf("ferretdb: the data folder cannot be used: %s", err)
	}

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if *stopWithStdin {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin)
			stop()
		}()
	}

	serve(ctx, folder, *addr)
}

func serve(ctx context.Context, folder, addr string) {
	// Bound first, and so that a client that connects from here on is served: it waits in the backlog.
	clients, err := net.Listen("tcp", addr)
	if err == nil {
		err = claimSocket(folder)
	}
	if err != nil {
		log.Fatalf("ferretdb: cannot serve %s on %s: %s", folder, addr, err)
	}

	db, err := ferretdb.New(&ferretdb.Config{
		Listener:  ferretdb.ListenerConfig{Unix: socketName},
		Logger:    slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError})),
		Handler:   "sqlite",
		SQLiteURL: "file:" + folder + "/",
	})
	if err != nil {
		log.Fatalf("ferretdb: cannot serve %s on %s: %s", folder, addr, err)
	}

	ended := make(chan error, 1)
	go func() { ended <- db.Run(ctx) }()
	go acceptClients(clients)
	uri := url.URL{Scheme: "mongodb", Host: clients.Addr().String(), Path: "/"}
	_ = json.NewEncoder(os.Stdout).Encode(map[string]string{"uri": uri.String()})

	select {
	case err = <-ended:
	case <-ctx.Done():
		_ = clients.Close()
		select {
		case err = <-ended:
		case <-time.After(drainTime):
		}
	}
	if err != nil {
		log.Fatalf("ferretdb: ended: %s", err)
	}
}
