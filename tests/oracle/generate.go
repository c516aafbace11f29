package main

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/test"
)

// ready stands on a line of its own before the first answer: packages of Istio log to standard output while they are
// initialised, before main could stop them.
const ready = "ready"

// scenario is one mesh: its settings, its objects, and the proxies that are asked about.
type scenario struct {
	// Settings of the mesh as YAML, over Istio's defaults.
	Mesh string `json:"mesh"`
	// Istio's and Kubernetes' objects as one YAML stream.
	Objects string  `json:"objects"`
	Proxies []proxy `json:"proxies"`
}

type proxy struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	// sidecar, router or waypoint
	Type           string            `json:"type"`
	IP             string            `json:"ip"`
	Labels         map[string]string `json:"labels"`
	ServiceAccount string            `json:"serviceAccount"`
	// Whether its clusters are wanted, and their endpoints, which are most of the answer.
	Clusters bool `json:"clusters"`
}

// generated answers a scenario.
type generated struct {
	// Why there is no configuration, if there is none.
	Error string `json:"error,omitempty"`
	// Objects that a cluster would not have stored; then nothing is generated.
	Refused []verdict `json:"refused,omitempty"`
	// In the order of the proxies.
	Proxies []configuration `json:"proxies"`
	// How long istiod's code took.
	Seconds float64 `json:"seconds"`
}

type configuration struct {
	Listeners []json.RawMessage `json:"listeners"`
	Routes    []json.RawMessage `json:"routes"`
	Clusters  []json.RawMessage `json:"clusters"`
	Endpoints []json.RawMessage `json:"endpoints"`
}

// serve answers scenarios until there are no more: starting costs more than a scenario.
func serve(in io.Reader, out io.Writer) error {
	// Each scenario leaves a few hundred megabytes of garbage in a heap of hundreds: left alone, it would double.
	debug.SetMemoryLimit(700 << 20)
	cluster, err := newCluster()
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintln(out, ready); err != nil {
		return err
	}
	scenarios := json.NewDecoder(in)
	answers := json.NewEncoder(out)
	answers.SetEscapeHTML(false)
	for {
		var s scenario
		if err := scenarios.Decode(&s); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if err := answers.Encode(answer(cluster, s)); err != nil {
			return err
		}
	}
}

func answer(cluster *cluster, s scenario) generated {
	started := time.Now()
	documents, err := split(strings.NewReader(s.Objects))
	if err != nil {
		return generated{Error: err.Error()}
	}
	var g generated
	var istio, kubernetes []string
	for _, d := range documents {
		if d.err != nil {
			return generated{Error: d.err.Error()}
		}
		object := &unstructured.Unstructured{}
		if err := object.UnmarshalJSON(d.json); err != nil {
			return generated{Error: err.Error()}
		}
		// What istiod reads as configuration, and what it reads from Kubernetes.
		if !strings.Contains(object.GetAPIVersion(), "istio.io/") {
			kubernetes = append(kubernetes, string(d.json))
			continue
		}
		istio = append(istio, string(d.json))
		if v := cluster.judge(d); len(v.Errors) > 0 {
			g.Refused = append(g.Refused, v)
		}
	}
	if len(g.Refused) > 0 {
		return g
	}
	g.Proxies, err = generate(s, join(istio), join(kubernetes))
	if err != nil {
		g.Error = err.Error()
	}
	g.Seconds = time.Since(started).Seconds()
	return g
}

func join(objects []string) string { return strings.Join(objects, "\n---\n") }

// generate has istiod's own code make the configuration of each proxy.
func generate(s scenario, istio, kubernetes string) (configurations []configuration, err error) {
	settings := mesh.DefaultMeshConfig()
	if s.Mesh != "" {
		if settings, err = mesh.ApplyMeshConfig(s.Mesh, settings); err != nil {
			return nil, err
		}
	}
	// Istio's fake server wants a test; Wrap stands for one and turns what would fail it into an error.
	err = test.Wrap(func(t test.Failer) {
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			ConfigString: istio, KubernetesObjectString: kubernetes, MeshConfig: settings,
		})
		for _, p := range s.Proxies {
			configurations = append(configurations, of(server, p))
		}
	})
	return configurations, err
}

func of(server *xds.FakeDiscoveryServer, p proxy) configuration {
	node := server.SetupProxy(&model.Proxy{
		ID: p.Name + "." + p.Namespace, Type: model.NodeType(p.Type), ConfigNamespace: p.Namespace,
		IPAddresses: []string{p.IP}, Labels: p.Labels,
		Metadata: &model.NodeMetadata{
			Namespace: p.Namespace, Labels: p.Labels, ServiceAccount: p.ServiceAccount, IstioVersion: "1.31.0",
			ClusterID: "Kubernetes",
		},
	})
	listeners := server.Listeners(node)
	c := configuration{Listeners: encode(listeners), Routes: encode(server.RoutesFromListeners(node, listeners))}
	if p.Clusters {
		c.Clusters = encode(server.Clusters(node))
		c.Endpoints = encode(server.Endpoints(node))
	}
	return c
}

func encode[M proto.Message](messages []M) []json.RawMessage {
	texts := []json.RawMessage{}
	for _, m := range messages {
		text, err := protojson.Marshal(m)
		if err != nil {
			// Wrap does not catch it; a message that cannot be written is a fault of this program.
			panic(err)
		}
		texts = append(texts, text)
	}
	return texts
}
