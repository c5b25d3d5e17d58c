package broker

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kmsg"

	"tailrace/broker/metadata"
	"tailrace/wire"
	"tailrace/wire/errcode"
)

// InitProducerId, key 22, versions 0 to 5.
//
// Behaviour: a producer without a transactional id gets a fresh producer id
// with epoch 0, whatever it sends along. Ids come from blocks of a thousand
// that are recorded in the metadata log, so that none is ever given twice.
//
// Versions: 2 flexible, 3 producer id and epoch in the request (KIP-360).
//
// Departures: a transactional id gets UNSUPPORTED_VERSION.
func (b *Broker) initProducerID(q *request) {
	req := kmsg.NewPtrInitProducerIDRequest()
	if !decode(q, req) {
		return
	}
	q.ReleaseBody()
	if req.TransactionalID != nil {
		code := errcode.UnsupportedVersion
		if *req.TransactionalID == "" {
			code = errcode.InvalidRequest
		}
		b.replyProducerID(q, -1, -1, code)
		return
	}
	b.producerIDs.take(b, func(id int64, err error) {
		if err != nil {
			b.replyProducerID(q, -1, -1, errcode.CoordinatorNotAvailable)
			return
		}
		b.replyProducerID(q, id, 0, errcode.None)
	})
}

func (b *Broker) replyProducerID(q *request, id int64, epoch int16, code errcode.Code) {
	resp := kmsg.NewPtrInitProducerIDResponse()
	resp.ProducerID, resp.ProducerEpoch, resp.ErrorCode = id, epoch, int16(code)
	q.reply(resp)
}

// producerIDs hands out ids from the block that this broker holds.
type producerIDs struct {
	mu        sync.Mutex
	next, end int64
	asking    bool
	waiting   []func(int64, error)
}

// take gives an id to fn, at once or when a new block has been recorded.
func (p *producerIDs) take(b *Broker, fn func(int64, error)) {
	p.mu.Lock()
	if p.next < p.end {
		id := p.next
		p.next++
		p.mu.Unlock()
		fn(id, nil)
		return
	}
	p.waiting = append(p.waiting, fn)
	ask := !p.asking
	p.asking = true
	p.mu.Unlock()
	if ask {
		p.ask(b)
	}
}

func (p *producerIDs) ask(b *Broker) {
	var first int64
	var refused metadata.Result
	b.quorum.ProposeFunc(
		func(img *metadata.Image, _ wire.Offset) []metadata.Record {
			var records []metadata.Record
			records, first, refused = metadata.AllocateProducerIDs(img, int32(b.config.NodeID), b.epoch.Load())
			return records
		},
		func(_ wire.Offset, err error) {
			if err == nil && !refused.OK() {
				err = refused.Code
			}
			p.granted(b, first, err)
		})
}

// granted serves those who wait from a new block, or tells them why there is
// none.
func (p *producerIDs) granted(b *Broker, first int64, err error) {
	p.mu.Lock()
	p.asking = false
	if err == nil {
		p.next, p.end = first, first+metadata.ProducerIDBlockSize
	}
	waiting := p.waiting
	p.waiting = nil
	p.mu.Unlock()
	for _, fn := range waiting {
		if err != nil {
			fn(-1, err)
			continue
		}
		p.take(b, fn)
	}
}
