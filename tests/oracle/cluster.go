package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-multierror"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"istio.io/istio/manifests"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	crdvalidation "istio.io/istio/pkg/config/crd"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/resource"
)

// verdict is what the cluster says of one object.
type verdict struct {
	Kind      string   `json:"kind"`
	Namespace string   `json:"namespace"`
	Name      string   `json:"name"`
	Errors    []string `json:"errors"`
	Warnings  []string `json:"warnings"`
}

// cluster holds what is costly to make, once for all objects.
type cluster struct {
	definitions *crdvalidation.Validator
}

// newCluster takes the definitions out of Istio's own chart. The validator wants them as a file.
func newCluster() (*cluster, error) {
	text, err := manifests.FS.ReadFile("charts/base/files/crd-all.gen.yaml")
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "oracle")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "crds.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	// The definitions themselves are Istio's and known to be good; checking them would take most of a short run.
	definitions, err := crdvalidation.NewValidatorFromFilesWithOptions([]string{file}, crdvalidation.WithoutCRDValidation())
	if err != nil {
		return nil, err
	}
	return &cluster{definitions: definitions}, nil
}

func (c *cluster) judge(d document) verdict {
	v := verdict{Errors: []string{}, Warnings: []string{}}
	if d.err != nil {
		v.Errors = append(v.Errors, fmt.Sprintf("yaml: %v", d.err))
		return v
	}
	object := &unstructured.Unstructured{}
	if err := object.UnmarshalJSON(d.json); err != nil {
		v.Errors = append(v.Errors, fmt.Sprintf("json: %v", err))
		return v
	}
	v.Kind, v.Namespace, v.Name = object.GetKind(), object.GetNamespace(), object.GetName()
	for _, err := range metadata(object) {
		v.Errors = append(v.Errors, fmt.Sprintf("metadata: %v", err))
	}
	// The copy is for the schema's defaults, which are filled in place.
	if err := c.definitions.ValidateCustomResource(object.DeepCopy()); err != nil {
		v.Errors = append(v.Errors, fmt.Sprintf("schema: %v", err))
	}
	warnings, err := webhook(d.json)
	if err != nil {
		v.Errors = append(v.Errors, fmt.Sprintf("webhook: %v", err))
	}
	v.Warnings = append(v.Warnings, flatten(warnings)...)
	return v
}

// metadata checks names, labels and annotations as the API server does for custom resources. All kinds that matter here
// live in a namespace; without one the client would fill in its own, so `default` stands for it.
func metadata(object *unstructured.Unstructured) field.ErrorList {
	copied := object.DeepCopy()
	if copied.GetNamespace() == "" {
		copied.SetNamespace("default")
	}
	return validation.ValidateObjectMetaAccessor(copied, true, validation.NameIsDNSSubdomain, field.NewPath("metadata"))
}

// webhook decodes and judges an object in the way of istiod's admission handler.
func webhook(raw []byte) (warnings, refusal error) {
	var object crd.IstioKind
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, fmt.Errorf("cannot decode configuration: %w", err)
	}
	gvk := object.GroupVersionKind()
	schema, known := collections.PilotGatewayAPI().FindByGroupKind(resource.FromKubernetesGVK(&gvk))
	if !known {
		return nil, fmt.Errorf("unrecognized type %v", gvk)
	}
	config, err := crd.ConvertObject(schema, &object, "cluster.local")
	if err != nil {
		return nil, fmt.Errorf("error decoding configuration: %w", err)
	}
	return schema.ValidateConfig(*config)
}

func flatten(warnings error) []string {
	if warnings == nil {
		return nil
	}
	var several *multierror.Error
	if !errors.As(warnings, &several) {
		return []string{warnings.Error()}
	}
	var texts []string
	for _, w := range several.Errors {
		texts = append(texts, w.Error())
	}
	return texts
}
