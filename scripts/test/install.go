package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/usher-id/usher/internal/testpg"
)

// beside are the programs that tests put in front of usher, as proxies or as a
// person's browser, and behind it, as a provider; by the Debian package of each.
var beside = map[string]string{"nginx": "nginx-light", "haproxy": "haproxy", "chromium": "chromium", "node": "nodejs", "npm": "npm", "java": "openjdk-17-jre-headless", "mvn": "maven"}

// obtainPostgres installs the server package where it is missing and may be
// installed.
func obtainPostgres(ctx context.Context) error {
	if _, err := testpg.Installed(); !errors.Is(err, testpg.ErrNotInstalled) || os.Geteuid() != 0 {
		return nil // testpg says what is wrong, or fetches one
	}
	// The package would create a cluster, and start it, by itself.
	const confDir = "/etc/postgresql-common/createcluster.d"
	if err := os.MkdirAll(confDir, 0o755); err != nil {
		return fmt.Errorf("configure postgresql-common: %w", err)
	}
	if err := os.WriteFile(filepath.Join(confDir, "usher.conf"), []byte("create_main_cluster = false\n"), 0o644); err != nil {
		return fmt.Errorf("configure postgresql-common: %w", err)
	}
	return install(ctx, "postgresql")
}

// obtainBeside does the same for the proxies and the browser.
func obtainBeside(ctx context.Context) error {
	var missing []string
	for program, pkg := range beside {
		_, onPath := exec.LookPath(program)
		_, aside := exec.LookPath(filepath.Join("/usr/sbin", program)) // on root's PATH alone
		if onPath != nil && aside != nil {
			missing = append(missing, pkg)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("%s: not installed, and only root can", strings.Join(missing, ", "))
	}
	return install(ctx, missing...)
}

// install fetches Debian's packages, and keeps them from starting services.
func install(ctx context.Context, packages ...string) (err error) {
	names := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("%s: not installed, and there is no apt-get to install it with", names)
	}
	fmt.Println("installing (apt-get install " + names + ")")
	// Debian asks this file whether a service may be started; 101 is no. One that
	// is there already is the machine's own decision.
	const policy = "/usr/sbin/policy-rc.d"
	f, err := os.OpenFile(policy, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	switch {
	case err == nil:
		_, err = f.WriteString("#!/bin/sh\nexit 101\n")
		if err = errors.Join(err, f.Close()); err != nil {
			return errors.Join(fmt.Errorf("keep services from starting: %w", err), os.Remove(policy))
		}
		defer func() { err = errors.Join(err, os.Remove(policy)) }()
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("keep services from starting: %w", err)
	}
	for _, args := range [][]string{
		{"update", "-q"},
		append([]string{"install", "-q", "-y", "--no-install-recommends"}, packages...),
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("apt-get %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}
