package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var assetFiles embed.FS

// kinds are fixed here, since the machine's own table may say otherwise.
var kinds = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

// asset is a file that pages refer to by a hash of its content.
type asset struct {
	data []byte
	kind string
	hash string
}

func loadAssets() (map[string]asset, error) {
	files, err := fs.ReadDir(assetFiles, "assets")
	if err != nil {
		return nil, err
	}
	assets := make(map[string]asset, len(files))
	for _, f := range files {
		name := "assets/" + f.Name()
		data, err := assetFiles.ReadFile(name)
		if err != nil {
			return nil, err
		}
		kind, ok := kinds[path.Ext(name)]
		if !ok {
			return nil, fmt.Errorf("%s is of no known type", name)
		}
		sum := sha256.Sum256(data)
		assets["/"+name] = asset{data, kind, base64.RawURLEncoding.EncodeToString(sum[:9])}
	}
	return assets, nil
}

// link is the address that changes with the content.
func (a asset) link(path string) string { return path + "?v=" + a.hash }

// serve lets the address with the right hash be kept for a year; any other is
// asked again each time.
func (a asset) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	secure(h, dataPolicy)
	h.Set("Content-Type", a.kind)
	h.Set("ETag", `"`+a.hash+`"`)
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == a.hash {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.data))
}
