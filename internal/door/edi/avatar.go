package edi

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/goregular"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

const (
	side        = 200 // pixels
	margin      = 20
	largest     = 96.0 // pixels an em; longer texts shrink
	maxInitials = 16   // characters drawn; the rest is left out
	kept        = 256  // images held in memory
)

// avatars draws initials, black on grey, and keeps what it drew last.
type avatars struct {
	font   *sfnt.Font
	shades [256]color.Color
	mu     sync.Mutex
	made   map[string][]byte
	// order has the keys of made, oldest first.
	order []string
}

func newAvatars() (*avatars, error) {
	f, err := opentype.Parse(goregular.TTF)
	if err != nil {
		return nil, fmt.Errorf("reading the avatar font: %w", err)
	}
	a := &avatars{font: f, made: map[string][]byte{}}
	for i := range a.shades {
		y := uint8(i)
		a.shades[i] = color.NRGBA{y, y, y, 255}
	}
	return a, nil
}

// avatar serves the picture of any text (contract edi.md, section 7).
func (d *Door) avatar(w http.ResponseWriter, r *http.Request) {
	text := r.PathValue("initials")
	if strings.ContainsRune(text, 0) {
		d.framework(w, r, http.StatusNotFound)
		return
	}
	img, err := d.avatars.of(shorten(text))
	if err != nil {
		d.Log.ErrorContext(r.Context(), "drawing an avatar", "error", err)
		d.framework(w, r, http.StatusInternalServerError)
		return
	}
	d.renewIfPresented(w, r)
	h := w.Header()
	h.Set("Content-Type", "image/png")
	// A shared cache must not keep somebody's cookie with the picture.
	h.Set("Cache-Control", "public, max-age=86400")
	if h.Get("Set-Cookie") != "" {
		h.Set("Cache-Control", "no-store")
	}
	_, _ = w.Write(img)
}

func shorten(text string) string {
	runes := []rune(strings.ToValidUTF8(text, "\ufffd"))
	return string(runes[:min(len(runes), maxInitials)])
}

func (a *avatars) of(text string) ([]byte, error) {
	a.mu.Lock()
	img, ok := a.made[text]
	a.mu.Unlock()
	if ok {
		return img, nil
	}
	img, err := a.draw(text)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, ok := a.made[text]; ok {
		return img, nil
	}
	if len(a.order) == kept {
		delete(a.made, a.order[0])
		a.order = append(a.order[:0], a.order[1:]...)
	}
	a.made[text] = img
	a.order = append(a.order, text)
	return img, nil
}

// draw centres a text in the square, as large as it fits.
func (a *avatars) draw(text string) ([]byte, error) {
	canvas := image.NewGray(image.Rect(0, 0, side, side))
	draw.Draw(canvas, canvas.Bounds(), image.NewUniform(color.Gray{Y: 197}), image.Point{}, draw.Src)
	face, err := a.face(largest)
	if err != nil {
		return nil, err
	}
	if width := font.MeasureString(face, text).Ceil(); width > side-2*margin {
		if face, err = a.face(largest * float64(side-2*margin) / float64(width)); err != nil {
			return nil, err
		}
	}
	width := font.MeasureString(face, text)
	capital := face.Metrics().CapHeight
	pen := font.Drawer{
		Dst: canvas, Src: image.Black, Face: face,
		Dot: fixed.Point26_6{X: (fixed.I(side) - width) / 2, Y: (fixed.I(side) + capital) / 2},
	}
	pen.DrawString(text)
	var b bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestSpeed}).Encode(&b, withAlpha{canvas, &a.shades}); err != nil {
		return nil, fmt.Errorf("encoding an avatar: %w", err)
	}
	return b.Bytes(), nil
}

func (a *avatars) face(size float64) (font.Face, error) {
	f, err := opentype.NewFace(a.font, &opentype.FaceOptions{Size: size, DPI: 72, Hinting: font.HintingNone})
	if err != nil {
		return nil, fmt.Errorf("sizing the avatar font: %w", err)
	}
	return f, nil
}

// withAlpha shows a grey picture as one with an alpha channel, which the
// original's pictures have although every pixel is opaque.
type withAlpha struct {
	*image.Gray
	shades *[256]color.Color
}

// ColorModel is what makes the encoder write four channels, with Opaque.
func (withAlpha) ColorModel() color.Model { return color.NRGBAModel }

// Opaque is always false.
func (withAlpha) Opaque() bool { return false }

// At gives a ready shade: making one a pixel costs more than all the rest.
func (p withAlpha) At(x, y int) color.Color { return p.shades[p.GrayAt(x, y).Y] }
