package gqlauth

import (
	"testing"

	"github.com/graph-gophers/graphql-go/ast"
)

// The limits hold at run time as well, whatever the guard read.
func TestTrialsAreCountedWhileTheyRun(t *testing.T) {
	for kind, allowed := range map[trial]int{signsIn: 1, confirms: 3, mails: 3} {
		x := &exchange{tried: map[trial]int{}}
		for range allowed {
			if err := x.try(kind); err != nil {
				t.Errorf("kind %d: %v", kind, err)
			}
		}
		if x.try(kind) == nil {
			t.Errorf("kind %d: more than %d were let through", kind, allowed)
		}
	}
}

// Every mutation that takes a password, a mailed token or a stranger's address
// has a limit.
func TestEveryTrialIsKnown(t *testing.T) {
	unlimited := map[string]bool{
		"verifyToken": true, "refreshToken": true, "revokeToken": true, // 160 random bits, or a signature
		"updateAccount": true, "setWorkingGroup": true, "createWorkingGroup": true,
	}
	d, err := New(Options{PublicURL: "https://usher.example"})
	if err != nil {
		t.Fatal(err)
	}
	root, ok := d.schema.AST().Types["Mutation"].(*ast.ObjectTypeDefinition)
	if !ok {
		t.Fatal("there is no type Mutation")
	}
	if len(root.Fields) != len(trials)+len(unlimited) {
		t.Errorf("%d mutations, %d are known", len(root.Fields), len(trials)+len(unlimited))
	}
	for _, f := range root.Fields {
		if trials[f.Name] == 0 && !unlimited[f.Name] {
			t.Errorf("%s has no limit", f.Name)
		}
	}
}
