package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"
)

const coldStarts = 10

// starts measures the time from exec to readiness on the database that is there
// by now, and the memory of a process that has nothing to do.
func (b *bench) starts(ctx context.Context) error {
	loaded := b.usher.memory()
	b.usher.stop()
	data := filepath.Join(b.dir, "data")
	var took []float64
	for range coldStarts {
		begun := time.Now()
		p, err := startUsher(ctx, b.program, data, b.pg)
		if err != nil {
			return err
		}
		err = untilReady(p)
		took = append(took, time.Since(begun).Seconds()*1000)
		p.stop()
		if err != nil {
			return err
		}
	}
	p, err := startUsher(ctx, b.program, data, b.pg)
	if err != nil {
		return err
	}
	b.usher = p
	time.Sleep(3 * time.Second)
	fmt.Printf("\n| once | |\n|---|---|\n| cold start, exec to ready, median of %d | %.0f ms |\n| memory, idle for 3 s | %.1f MiB |\n| memory, after the load | %.1f MiB |\n",
		coldStarts, median(took), p.memory(), loaded)
	return nil
}

// untilReady asks until the answer is 200.
func untilReady(p *process) error {
	c, err := dial(p.public)
	if err != nil {
		return err
	}
	defer c.Close()
	req := request("GET", "/health/ready", "", "")
	for range 1000 {
		status, _, err := c.do(req)
		if err != nil {
			return fmt.Errorf("asking whether usher is ready: %w", err)
		}
		if status == 200 {
			return nil
		}
		time.Sleep(time.Millisecond)
	}
	return fmt.Errorf("usher at %s does not get ready", p.public)
}
