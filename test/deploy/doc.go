// Package deploy holds no code: its tests hold the files that run usher in an
// image, under compose and under systemd to the program that they run.
package deploy
