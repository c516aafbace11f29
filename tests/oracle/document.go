package main

import (
	"bufio"
	"errors"
	"io"

	"k8s.io/apimachinery/pkg/util/yaml"
	sigs "sigs.k8s.io/yaml"
)

// document is one object of the stream as the API server would receive it.
type document struct {
	json []byte
	err  error // the text is no YAML, or has a key twice
}

// split reads a YAML stream; documents that hold nothing but comments are no objects and are left out.
func split(in io.Reader) ([]document, error) {
	var documents []document
	reader := yaml.NewYAMLReader(bufio.NewReader(in))
	for {
		text, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return documents, nil
		}
		if err != nil {
			return nil, err
		}
		json, err := sigs.YAMLToJSONStrict(text)
		if err == nil && string(json) == "null" {
			continue
		}
		documents = append(documents, document{json: json, err: err})
	}
}
