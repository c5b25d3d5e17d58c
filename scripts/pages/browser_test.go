//go:build realclients

package pages

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// browser is a headless Chromium that is told what to do by its own protocol, over a pipe: JSON, each message ended by
// a zero byte.
type browser struct {
	t  *testing.T
	to *os.File

	mu      sync.Mutex
	next    int
	answers map[int]chan message
	events  []message
	session string
	closed  error
	arrived *sync.Cond
}

type message struct {
	ID     int             `json:"id,omitempty"`
	Method string          `json:"method,omitempty"`
	Params json.RawMessage `json:"params,omitempty"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
	Session string `json:"sessionId,omitempty"`
}

// never is how long the browser may take for anything.
const never = 2 * time.Minute

// startBrowser starts Chromium. Its way to the network is a proxy that hangs up: it reaches nobody.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	fromUs, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, toUs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("chromium", "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run",
		"--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync",
		"--hide-scrollbars", "--window-size=1100,900", "--remote-debugging-pipe", "--user-data-dir="+t.TempDir(),
		"--proxy-server=http://"+l.Addr().String(), "--proxy-bypass-list=<-loopback>", "about:blank")
	cmd.ExtraFiles = []*os.File{fromUs, toUs} // 3 and 4
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	fromUs.Close()
	toUs.Close()
	b := &browser{t: t, to: to, answers: map[int]chan message{}}
	b.arrived = sync.NewCond(&b.mu)
	go b.listen(from)
	t.Cleanup(func() {
		_, _ = b.send("", "Browser.close", nil)
		ended := make(chan struct{})
		go func() { _ = cmd.Wait(); close(ended) }()
		select {
		case <-ended:
		case <-time.After(never):
			_ = cmd.Process.Kill()
		}
		to.Close()
		from.Close()
	})
	return b
}

func (b *browser) listen(from *os.File) {
	r := bufio.NewReaderSize(from, 1<<20)
	for {
		text, err := r.ReadBytes(0)
		var m message
		if err == nil {
			err = json.Unmarshal(text[:len(text)-1], &m)
		}
		b.mu.Lock()
		switch {
		case err != nil:
			b.closed = err
			for _, c := range b.answers {
				close(c)
			}
			b.answers = map[int]chan message{}
		case m.ID != 0:
			b.answers[m.ID] <- m
			delete(b.answers, m.ID)
		default:
			b.events = append(b.events, m)
		}
		b.arrived.Broadcast()
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

func (b *browser) send(session, method string, params any) (json.RawMessage, error) {
	raw, err := json.Marshal(params)
	if err != nil {
		return nil, err
	}
	if params == nil {
		raw = []byte("{}")
	}
	answer := make(chan message, 1)
	b.mu.Lock()
	if b.closed != nil {
		b.mu.Unlock()
		return nil, b.closed
	}
	b.next++
	id := b.next
	b.answers[id] = answer
	b.mu.Unlock()
	text, err := json.Marshal(message{ID: id, Method: method, Params: raw, Session: session})
	if err != nil {
		return nil, err
	}
	if _, err := b.to.Write(append(text, 0)); err != nil {
		return nil, err
	}
	select {
	case m, ok := <-answer:
		if !ok {
			return nil, errors.New("the browser has ended")
		}
		if m.Error != nil {
			return nil, fmt.Errorf("%s: %s", method, m.Error.Message)
		}
		return m.Result, nil
	case <-time.After(never):
		return nil, fmt.Errorf("%s: no answer within %v", method, never)
	}
}

// do calls a method of the open page and reads its result into to.
func (b *browser) do(method string, params, to any) {
	b.t.Helper()
	raw, err := b.send(b.session, method, params)
	if err == nil && to != nil {
		err = json.Unmarshal(raw, to)
	}
	if err != nil {
		b.t.Fatalf("%s: %v", method, err)
	}
}

type object = map[string]any

// open loads a file in a new tab and waits until it is loaded.
func (b *browser) open(path string, scripts bool) {
	b.t.Helper()
	b.session = ""
	var target struct{ TargetID string }
	b.do("Target.createTarget", object{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.do("Target.attachToTarget", object{"targetId": target.TargetID, "flatten": true}, &attached)
	b.mu.Lock()
	b.session, b.events = attached.SessionID, nil
	b.mu.Unlock()
	for _, domain := range []string{"Page", "Network", "Log", "Runtime", "DOM"} {
		b.do(domain+".enable", nil, nil)
	}
	b.do("Emulation.setScriptExecutionDisabled", object{"value": !scripts}, nil)
	b.do("Page.navigate", object{"url": "file://" + path}, nil)
	b.await("Page.loadEventFired")
}

// await waits for an event of the open page.
func (b *browser) await(method string) {
	b.t.Helper()
	timer := time.AfterFunc(never, func() {
		b.mu.Lock()
		b.closed = fmt.Errorf("no %s within %v", method, never)
		b.arrived.Broadcast()
		b.mu.Unlock()
	})
	defer timer.Stop()
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		for _, e := range b.events {
			if e.Method == method && e.Session == b.session {
				return
			}
		}
		if b.closed != nil {
			b.t.Fatal(b.closed)
		}
		b.arrived.Wait()
	}
}

// heard lists what the page asked the network for, and what it complained of.
func (b *browser) heard() (requests, complaints []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.Session != b.session {
			continue
		}
		var p struct {
			Request struct{ URL string }
			Type    string
			Entry   struct{ Level, Text string }
			Details struct {
				Text string `json:"text"`
			} `json:"exceptionDetails"`
		}
		if err := json.Unmarshal(e.Params, &p); err != nil {
			b.t.Errorf("%s: %v", e.Method, err)
		}
		switch e.Method {
		case "Network.requestWillBeSent":
			requests = append(requests, p.Request.URL)
		case "Log.entryAdded":
			complaints = append(complaints, p.Entry.Level+": "+p.Entry.Text)
		case "Runtime.consoleAPICalled":
			complaints = append(complaints, p.Type+" on the console")
		case "Runtime.exceptionThrown":
			complaints = append(complaints, p.Details.Text)
		}
	}
	return requests, complaints
}

// html is the document as it stands now.
func (b *browser) html() string {
	b.t.Helper()
	var doc struct{ Root struct{ NodeID int } }
	b.do("DOM.getDocument", object{"depth": 0}, &doc)
	var outer struct{ OuterHTML string }
	b.do("DOM.getOuterHTML", object{"nodeId": doc.Root.NodeID}, &outer)
	return outer.OuterHTML
}

// box is where the n-th element of a selector lies, in pixels from the top left of the page.
func (b *browser) box(selector string, n int) (x, y, width, height float64) {
	b.t.Helper()
	var doc struct{ Root struct{ NodeID int } }
	b.do("DOM.getDocument", object{"depth": 0}, &doc)
	var found struct{ NodeIDs []int }
	b.do("DOM.querySelectorAll", object{"nodeId": doc.Root.NodeID, "selector": selector}, &found)
	if len(found.NodeIDs) <= n {
		b.t.Fatalf("%d elements are %s, want more than %d", len(found.NodeIDs), selector, n)
	}
	b.do("DOM.scrollIntoViewIfNeeded", object{"nodeId": found.NodeIDs[n]}, nil)
	var model struct {
		Model struct{ Content []float64 }
	}
	b.do("DOM.getBoxModel", object{"nodeId": found.NodeIDs[n]}, &model)
	q := model.Model.Content
	return q[0], q[1], q[2] - q[0], q[5] - q[1]
}

// paint is a picture of the whole page, in light or in dark.
func (b *browser) paint(scheme string) []byte {
	b.t.Helper()
	feature := object{"name": "prefers-color-scheme", "value": scheme}
	b.do("Emulation.setEmulatedMedia", object{"features": []object{feature}}, nil)
	var shot struct{ Data string }
	b.do("Page.captureScreenshot", object{"captureBeyondViewport": true, "format": "png"}, &shot)
	return decoded(b.t, shot.Data)
}

// paper is the page as PDF.
func (b *browser) paper() []byte {
	b.t.Helper()
	var pdf struct{ Data string }
	b.do("Page.printToPDF", object{"printBackground": false, "preferCSSPageSize": true}, &pdf)
	return decoded(b.t, pdf.Data)
}

func decoded(t *testing.T, text string) []byte {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
