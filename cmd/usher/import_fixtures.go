package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/usher-id/usher/internal/jsonx"
	"github.com/usher-id/usher/internal/store"
	"github.com/usher-id/usher/internal/user"
	"github.com/usher-id/usher/internal/workgroup"
)

// fixtures is a file of what working groups refer to, in the form that
// django-graphql-auth's deployments load theirs from.
type fixtures struct {
	Institutions []struct {
		Name    string  `json:"name"`
		City    string  `json:"city"`
		State   *string `json:"state"`
		Country string  `json:"country"`
	} `json:"institutions"`
	ResearchFields []struct {
		Field    string `json:"field"`
		Subfield string `json:"subfield"`
	} `json:"research_fields"`
}

// isFixtures says whether a file is one object rather than lines of groups.
func isFixtures(path string) bool { return strings.HasSuffix(strings.ToLower(path), ".json") }

// maxFixtures bounds a file, in bytes.
const maxFixtures = 16 << 20

func readFixtures(path string) (f fixtures, err error) {
	file, err := os.Open(path)
	if err != nil {
		return f, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, maxFixtures+1))
	if err != nil {
		return f, err
	}
	if len(data) > maxFixtures {
		return f, fmt.Errorf("%s is larger than %d MiB", path, maxFixtures>>20)
	}
	if err := jsonx.Decode(data, &f, jsonx.Options{Unknown: jsonx.RefuseUnknown}); err != nil {
		return f, fmt.Errorf("%s: %w", path, err)
	}
	return f, nil
}

// importedFixtures is what importing fixtures came to.
type importedFixtures struct {
	Created int  `json:"created"`
	Known   int  `json:"unchanged"`
	DryRun  bool `json:"dryRun"`
}

// importFixtures takes the whole file or nothing of it.
func importFixtures(e *environment, f importFlags) error {
	if f.Resume || f.Results != "" {
		return usageError{errors.New("a .json file is taken whole: it has neither --results nor --resume")}
	}
	in, err := readFixtures(f.File)
	if err != nil {
		return usageError{err}
	}
	return e.withApp(func(a *app) error {
		var sum importedFixtures
		err := a.db.Update(e.ctx, store.Bulk, func(tx store.Tx) error {
			sum = importedFixtures{DryRun: f.DryRun}
			if err := in.add(tx, &sum); err != nil {
				return err
			}
			if f.DryRun {
				return errDryRun
			}
			return nil
		})
		if err != nil && !errors.Is(err, errDryRun) {
			return err
		}
		if f.JSON {
			return json.NewEncoder(e.out).Encode(sum)
		}
		would := ""
		if f.DryRun {
			would = "would be "
		}
		_, err = fmt.Fprintf(e.out, "%d %screated, %d there already\n", sum.Created, would, sum.Known)
		return err
	})
}

func (in fixtures) add(tx store.Tx, sum *importedFixtures) error {
	count := func(what string, n int, made bool, err error) error {
		switch {
		case err != nil:
			return fmt.Errorf("%s %d: %w", what, n+1, said(err))
		case made:
			sum.Created++
		default:
			sum.Known++
		}
		return nil
	}
	for n, i := range in.Institutions {
		made, err := workgroup.AddInstitution(tx, workgroup.Institution{Name: i.Name, City: i.City, State: i.State, Country: i.Country})
		if err := count("institution", n, made, err); err != nil {
			return err
		}
	}
	for n, r := range in.ResearchFields {
		made, err := workgroup.AddField(tx, workgroup.Field{Field: r.Field, Subfield: r.Subfield})
		if err := count("research field", n, made, err); err != nil {
			return err
		}
	}
	return nil
}

// said words a refusal for whoever wrote the file.
func said(err error) error {
	no, ok := errors.AsType[*user.Refusal](err)
	if !ok {
		return err
	}
	switch no.Code {
	case user.Missing:
		return fmt.Errorf("%s is missing", no.Field)
	case user.TooLarge:
		return fmt.Errorf("%s has %s characters, at most %s", no.Field, no.Params["length"], no.Params["max"])
	case user.InUse:
		return errors.New("its names read as another's, which is there already")
	default:
		return fmt.Errorf("%s has control characters, or spaces around it", no.Field)
	}
}
