package main

import (
	"strings"
	"testing"
)

const recorded = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    p_test.go:9: wrong\n"}
{"Action":"fail","Package":"p","Test":"TestBad"}
{"Action":"output","Package":"p","Test":"TestLeftOut","Output":"=== RUN   TestLeftOut\n"}
{"Action":"output","Package":"p","Test":"TestLeftOut","Output":"    p_test.go:5: no database\n"}
{"Action":"output","Package":"p","Test":"TestLeftOut","Output":"--- SKIP: TestLeftOut (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"TestLeftOut"}
{"Action":"output","Package":"p","Test":"TestPanics","Output":"panic: lost\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.1s\n"}
{"Action":"fail","Package":"p"}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.2s\n"}
{"Action":"pass","Package":"q"}
{"Action":"output","Package":"r","Output":"?   \tr\t[no test files]\n"}
{"Action":"skip","Package":"r"}
{"ImportPath":"s","Action":"build-output","Output":"s.go:1: undefined: x\n"}
`

func TestReportShowsFailuresAndNamesWhatWasSkipped(t *testing.T) {
	var out strings.Builder
	r := newReport(&out)
	if err := r.read(strings.NewReader(recorded)); err != nil {
		t.Fatal(err)
	}
	r.summary()
	for _, want := range []string{
		"p_test.go:9: wrong\n", "panic: lost\n", "FAIL\tp\t0.1s\n", "ok  \tq\t0.2s\n", "s.go:1: undefined: x\n",
		"FAILED  p TestBad\n", "SKIPPED p TestLeftOut: p_test.go:5: no database\n",
		"tests: 1 passed, 1 failed, 1 SKIPPED\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("missing %q in:\n%s", want, out.String())
		}
	}
	for _, hidden := range []string{"chatter", "PASS\n", "no test files"} {
		if strings.Contains(out.String(), hidden) {
			t.Errorf("%q is noise in:\n%s", hidden, out.String())
		}
	}
}
