// Command oracle says, with Istio's own code, what a mesh would do.
//
//	oracle OUT [FILE...]
//
// says what a cluster with Istio would answer to each object of a YAML stream.
// It reads the files, or standard input if there are none, and writes one JSON line an object to OUT:
//
//	{"kind": "...", "namespace": "...", "name": "...", "errors": [...], "warnings": [...]}
//
// An object with no errors would be stored, and the warnings are those that its author would be shown. The answers are
// those of the real code: the metadata rules of the API server, the structure and the CEL rules of Istio's custom
// resource definitions, and Istio's validating webhook.
//
// OUT is a file because packages of Istio may log to standard output while they are initialised, before main could stop
// them; "-" is standard output all the same.
//
//	oracle generate
//
// has istiod's code generate the configuration of proxies, for as long as it is asked: one JSON value of the type scenario
// a line on standard input, one of the type generated a line on standard output. Answers begin after a line "ready".
// Settings of istiod are read from the environment at the start, as in a pod: waypoints need PILOT_ENABLE_AMBIENT=true.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"runtime"
	"sync"

	"istio.io/istio/pkg/log"
)

func main() {
	options := log.DefaultOptions()
	options.SetDefaultOutputLevel(log.OverrideScopeName, log.NoneLevel)
	_ = log.Configure(options)
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "oracle:", err)
		os.Exit(2)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("usage: oracle OUT [FILE...] | oracle generate")
	}
	if len(args) == 1 && args[0] == "generate" {
		return serve(os.Stdin, os.Stdout)
	}
	documents, err := readAll(args[1:])
	if err != nil {
		return err
	}
	cluster, err := newCluster()
	if err != nil {
		return err
	}
	out := os.Stdout
	if args[0] != "-" {
		if out, err = os.Create(args[0]); err != nil {
			return err
		}
	}
	if err := write(out, judgeAll(cluster, documents)); err != nil {
		return err
	}
	return out.Close()
}

func readAll(files []string) ([]document, error) {
	if len(files) == 0 {
		return split(os.Stdin)
	}
	var documents []document
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		more, err := split(file)
		_ = file.Close()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		documents = append(documents, more...)
	}
	return documents, nil
}

// judgeAll keeps the order of the documents, so that the n-th verdict is the n-th document's.
func judgeAll(cluster *cluster, documents []document) []verdict {
	verdicts := make([]verdict, len(documents))
	indices := make(chan int)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for i := range indices {
				verdicts[i] = cluster.judge(documents[i])
			}
		})
	}
	for i := range documents {
		indices <- i
	}
	close(indices)
	workers.Wait()
	return verdicts
}

func write(out io.Writer, verdicts []verdict) error {
	buffered := bufio.NewWriter(out)
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	for _, v := range verdicts {
		if err := encoder.Encode(v); err != nil {
			return err
		}
	}
	return buffered.Flush()
}
