package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/usher-id/usher/internal/config"
	"github.com/usher-id/usher/internal/nearest"
)

// configFlags takes the configuration keys out of the arguments. A key is
// written with _ or -; a switch such as --dev needs no value.
func configFlags(args []string) (flags map[string]string, rest []string, err error) {
	kinds := map[string]config.Kind{}
	for _, k := range config.Keys() {
		kinds[k.Key] = k.Kind
	}
	flags = map[string]string{}
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return flags, append(rest, args[i:]...), nil
		}
		name, value, has := strings.Cut(strings.TrimPrefix(args[i], "--"), "=")
		key := strings.ReplaceAll(name, "-", "_")
		kind, known := kinds[config.Generic(key)]
		if !strings.HasPrefix(args[i], "--") || !known {
			rest = append(rest, args[i])
			continue
		}
		switch {
		case has:
		case kind == config.Bool:
			value = "true"
		// What begins like a flag is hardly meant as a value; --data=--x is.
		case i+1 < len(args) && !strings.HasPrefix(args[i+1], "--"):
			i++
			value = args[i]
		default:
			return nil, nil, fmt.Errorf("--%s needs a value", name)
		}
		flags[key] = value
	}
	return flags, rest, nil
}

// switches refuses a switch that is followed by a value of its own: it would be
// taken for the next argument, the name of a user or a file.
func switches(parser *kong.Kong, args []string) error {
	known := map[string]bool{}
	for _, k := range config.Keys() {
		known[k.Key] = k.Kind == config.Bool
	}
	for nodes := []*kong.Node{parser.Model.Node}; len(nodes) > 0; nodes = nodes[1:] {
		nodes = append(nodes, nodes[0].Children...)
		for _, f := range nodes[0].Flags {
			name := strings.ReplaceAll(f.Name, "-", "_")
			was, seen := known[name]
			known[name] = f.IsBool() && (was || !seen) // of one name in all commands
		}
	}
	for i, a := range args {
		if a == "--" || i+1 == len(args) {
			return nil
		}
		name, isFlag := strings.CutPrefix(a, "--")
		if value := args[i+1]; isFlag && known[config.Generic(strings.ReplaceAll(name, "-", "_"))] && (value == "true" || value == "false") {
			return usageError{fmt.Errorf("%s is a switch: write %s or %s=%s, not %s %s", a, a, a, value, a, value)}
		}
	}
	return nil
}

// The parser's messages that are said better with what is known here.
var (
	unknownFlag     = regexp.MustCompile(`^unknown flag (--?[^,\s=]+)`)
	unexpected      = regexp.MustCompile(`^unexpected argument ([^,]*)`)
	expectedCommand = regexp.MustCompile(`^expected one of `)
	expectedArg     = regexp.MustCompile(`^expected "(.*)"$`)
	missingFlags    = regexp.MustCompile(`^missing flags: `)
	flagValue       = regexp.MustCompile(`=[A-Z][A-Z-]*`)
	goDuration      = regexp.MustCompile(`expected duration but got (".*?"): .*$`)
)

// misused says what is wrong with a command line, what was probably meant, and
// how the command is used.
func misused(parser *kong.Kong, err error) error {
	node := parser.Model.Node
	if p, ok := errors.AsType[*kong.ParseError](err); ok && p.Context != nil && p.Context.Selected() != nil {
		node = p.Context.Selected()
	} else if ok && p.Context != nil {
		node = deepest(p.Context, node)
	}
	text := err.Error()
	switch {
	case unknownFlag.MatchString(text):
		name := unknownFlag.FindStringSubmatch(text)[1]
		text = "unknown flag " + name + meant(strings.ReplaceAll(name, "_", "-"), flagsOf(node))
	case unexpected.MatchString(text) && len(node.Children) > 0:
		name := unexpected.FindStringSubmatch(text)[1]
		text = fmt.Sprintf("unknown command %q", name) + meant(name, children(node))
	case expectedCommand.MatchString(text):
		text = "which command? One of " + strings.Join(children(node), ", ")
	case expectedArg.MatchString(text):
		text = "missing " + expectedArg.FindStringSubmatch(text)[1]
	case missingFlags.MatchString(text):
		text = "missing " + flagValue.ReplaceAllString(missingFlags.ReplaceAllString(text, ""), "")
	default:
		text = goDuration.ReplaceAllString(text, "$1 is not a duration such as 30m or 12h")
		text = strings.ReplaceAll(text, `,""`, "") // an enum that may also be left out
		text = strings.NewReplacer(`","`, `", "`, "expected a valid 64 bit int but got ", "a whole number is wanted, not ").Replace(text)
	}
	usage := node.FullPath() + " <command>"
	if node.Leaf() {
		usage = "usher " + node.Summary()
	}
	return usageError{fmt.Errorf("%s\nUsage: %s\nTry: %s --help", text, usage, node.FullPath())}
}

// deepest is the command that the line led to before it went wrong.
func deepest(ctx *kong.Context, node *kong.Node) *kong.Node {
	for _, p := range ctx.Path {
		if p.Command != nil {
			node = p.Command
		}
	}
	return node
}

// meant asks whether a name was meant that is near. The dashes that all flags
// have make none of them nearer.
func meant(name string, known []string) string {
	bare, dashes := strings.TrimLeft(name, "-"), ""
	if bare != name {
		dashes = "--"
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = strings.TrimLeft(k, "-")
	}
	if best, ok := nearest.To(bare, names); ok {
		return ": did you mean " + dashes + best + "?"
	}
	return ""
}

func children(n *kong.Node) []string {
	var names []string
	for _, c := range n.Children {
		if !c.Hidden {
			names = append(names, c.Name)
		}
	}
	return names
}

// flagsOf are the flags that may stand in a command's line.
func flagsOf(n *kong.Node) []string {
	names := []string{}
	for _, group := range n.AllFlags(true) {
		for _, f := range group {
			names = append(names, "--"+f.Name)
		}
	}
	for _, k := range config.Keys() {
		names = append(names, "--"+strings.ReplaceAll(k.Key, "_", "-"))
	}
	return names
}
