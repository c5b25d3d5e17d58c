package errcode

import (
	"errors"
	"fmt"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
)

// franz-go still uses names that Kafka has since changed, and it judges retries for its own client: both lists hold
// where Kafka 4.4 differs from it.
var (
	renamed = map[Code]string{NotLeaderOrFollower: "NOT_LEADER_FOR_PARTITION"}
	// Kafka's client retries these (their exceptions are retriable); franz-go handles them in other ways.
	retriedByKafka = map[Code]bool{
		ConcurrentTransactions: true, ShareSessionNotFound: true, InvalidShareSessionEpoch: true,
	}
	// Kafka's BrokerNotAvailableException is a plain ApiException.
	finalInKafka = map[Code]bool{BrokerNotAvailable: true}
)

func TestCodesAgreeWithKerr(t *testing.T) {
	for c := UnknownServerError; c <= Max; c++ {
		if c == None {
			continue
		}
		var want *kerr.Error
		if !errors.As(kerr.ErrorForCode(int16(c)), &want) || want.Code != int16(c) {
			t.Errorf("%d %s: kerr does not know it", c, c)
			continue
		}
		name := want.Message
		if old, ok := renamed[c]; ok && old == name {
			name = c.Name()
		}
		if c.Name() != name {
			t.Errorf("%d: %s, kerr says %s", c, c.Name(), name)
		}
		if wantRetry := (want.Retriable || retriedByKafka[c]) && !finalInKafka[c]; c.Retriable() != wantRetry {
			t.Errorf("%s: Retriable() = %t, want %t", c, c.Retriable(), wantRetry)
		}
		if c.Message() == "" || c.Error() != c.Name()+": "+c.Message() {
			t.Errorf("%s: message %q, error %q", c, c.Message(), c.Error())
		}
	}
	var beyond *kerr.Error
	if errors.As(kerr.ErrorForCode(int16(Max)+1), &beyond) && beyond != kerr.UnknownServerError {
		t.Errorf("kerr knows a code beyond %s: %v", Max, beyond)
	}
}

func TestUnknownCode(t *testing.T) {
	for _, c := range []Code{-2, Max + 1, 32767, -32768} {
		if c.Known() || c.Retriable() || c.Name() != fmt.Sprintf("ERROR_%d", int(c)) || c.Message() == "" {
			t.Errorf("%d: Known %t, Retriable %t, Name %q", int(c), c.Known(), c.Retriable(), c.Name())
		}
	}
}

func TestErr(t *testing.T) {
	if None.Err() != nil {
		t.Error("None.Err() must be nil")
	}
	if err := fmt.Errorf("append: %w", OffsetOutOfRange.Err()); !errors.Is(err, OffsetOutOfRange) {
		t.Errorf("%v does not unwrap to its code", err)
	}
	if None.Known() == false || None.Name() != "NONE" || None.Retriable() {
		t.Errorf("None: %q, %t", None.Name(), None.Retriable())
	}
}
