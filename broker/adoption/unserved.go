package adoption

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"tailrace/broker/metadata"
	"tailrace/wire"
)

// Records of Kafka 4.3 and 4.4 that Tailrace does not serve (metadata/src/main/resources/common/metadata/*.json).
const (
	typeDelegationToken       metadata.Type = 10
	typeUserScramCredential   metadata.Type = 11
	typeClientQuota           metadata.Type = 14
	typeAccessControlEntry    metadata.Type = 18
	typeRemoveAccessControl   metadata.Type = 19
	typeZkMigrationState      metadata.Type = 21
	typeRemoveScramCredential metadata.Type = 22
	typeBeginTransaction      metadata.Type = 23
	typeEndTransaction        metadata.Type = 24
	typeAbortTransaction      metadata.Type = 25
	typeRemoveDelegationToken metadata.Type = 26
	typeRegisterController    metadata.Type = 27
	typeClearELR              metadata.Type = 28
	typeUnregisterController  metadata.Type = 29
)

// Left is one kind of what is not taken, with the names of what there is of it.
type Left struct {
	Kind  string   `json:"kind"`
	Count int      `json:"count"`
	Names []string `json:"names"`
}

// leftovers gathers what is not taken: kind → key → name. A removal takes its key away again.
type leftovers map[string]map[string]string

func (l leftovers) add(kind, key, name string) {
	if l[kind] == nil {
		l[kind] = map[string]string{}
	}
	l[kind][key] = name
}

func (l leftovers) remove(kind, key string) { delete(l[kind], key) }

// list sorts kinds and names.
func (l leftovers) list() []Left {
	all := []Left{}
	for _, kind := range slices.Sorted(maps.Keys(l)) {
		if len(l[kind]) > 0 {
			names := slices.Sorted(maps.Values(l[kind]))
			all = append(all, Left{kind, len(names), slices.Compact(names)})
		}
	}
	return all
}

// Kinds, as a person reads them.
const (
	kindACL        = "ACLs"
	kindScram      = "SCRAM credentials"
	kindQuota      = "client quotas"
	kindToken      = "delegation tokens"
	kindController = "controller registrations"
	kindFeature    = "finalized features"
	kindBroker     = "registrations of other brokers"
	kindMetrics    = "client metrics subscriptions"
	kindConfig     = "settings of other brokers"
	kindZooKeeper  = "ZooKeeper migration state"
)

// take notes a record of a type that is not served. known is false for a type or version that nobody knows.
func (l leftovers) take(t metadata.Type, version int16, body []byte) (known bool, err error) {
	var r wire.Reader
	r.Reset(body)
	if version != 0 {
		return false, nil
	}
	switch t {
	case typeAccessControlEntry:
		l.acl(&r)
	case typeRemoveAccessControl:
		l.remove(kindACL, idText(&r))
	case typeUserScramCredential:
		name, mechanism := string(r.CompactString()), r.Int8()
		l.add(kindScram, scramKey(name, mechanism), name+" ("+scramName(mechanism)+")")
		return true, r.Err() // what follows is secret
	case typeRemoveScramCredential:
		l.remove(kindScram, scramKey(string(r.CompactString()), r.Int8()))
	case typeClientQuota:
		l.quota(&r)
	case typeDelegationToken:
		l.token(&r)
	case typeRemoveDelegationToken:
		l.remove(kindToken, string(r.CompactString()))
	case typeRegisterController:
		id := strconv.Itoa(int(r.Int32()))
		l.add(kindController, id, "controller "+id)
		return true, r.Err()
	case typeUnregisterController:
		l.remove(kindController, strconv.Itoa(int(r.Int32())))
		return true, r.Err()
	case typeZkMigrationState:
		if state := r.Int8(); state == 0 { // NONE: there never was a ZooKeeper
			l.remove(kindZooKeeper, "")
		} else {
			l.add(kindZooKeeper, "", "state "+strconv.Itoa(int(state)))
		}
	case typeClearELR: // there are none where every partition has one replica
		return true, nil
	default:
		return false, nil
	}
	r.SkipTags()
	return true, r.Finish()
}

func (l leftovers) acl(r *wire.Reader) {
	key := idText(r)
	target, name, pattern := r.Int8(), string(r.CompactString()), r.Int8()
	principal, host := string(r.CompactString()), string(r.CompactString())
	operation, permission := r.Int8(), r.Int8()
	if pattern == patternPrefixed {
		name += "*"
	}
	l.add(kindACL, key, fmt.Sprintf("%s %s %s on %s %s from %s", principal, word(permissions, permission),
		word(operations, operation), word(aclTargets, target), name, host))
}

// The words of Kafka's enumerations (ResourceType, AclOperation, AclPermissionType, PatternType), by code.
const patternPrefixed = 4

var (
	aclTargets = []string{"?", "ANY", "topic", "group", "cluster", "transactional id", "delegation token", "user"}
	operations = []string{"?", "ANY", "all", "read", "write", "create", "delete", "alter", "describe", "cluster action",
		"describe configs", "alter configs", "idempotent write", "create tokens", "describe tokens", "two phase commit"}
	permissions = []string{"?", "ANY", "denied", "allowed"}
)

func word(words []string, code int8) string {
	if code < 0 || int(code) >= len(words) {
		return strconv.Itoa(int(code))
	}
	return words[code]
}

func idText(r *wire.Reader) string { return wire.TopicID(r.UUID()).String() }

func scramKey(name string, mechanism int8) string { return strconv.Itoa(int(mechanism)) + " " + name }

func scramName(mechanism int8) string {
	return word([]string{"?", "SCRAM-SHA-256", "SCRAM-SHA-512"}, mechanism)
}

func (l leftovers) quota(r *wire.Reader) {
	var entity string
	for n := r.CompactArrayLen(3); n > 0; n-- {
		kind, name := string(r.CompactString()), r.CompactNullableString()
		r.SkipTags()
		if name == nil {
			entity += kind + " (default) "
		} else {
			entity += kind + " " + string(name) + " "
		}
	}
	limit := string(r.CompactString())
	r.Int64() // the value, a float64
	if remove := r.Bool(); remove {
		l.remove(kindQuota, entity+limit)
		return
	}
	l.add(kindQuota, entity+limit, entity+limit)
}

func (l leftovers) token(r *wire.Reader) {
	owner := string(r.CompactString())
	r.CompactString() // requester
	for n := r.CompactArrayLen(1); n > 0; n-- {
		r.CompactString()
	}
	r.Int64()
	r.Int64()
	r.Int64()
	id := string(r.CompactString())
	l.add(kindToken, id, id+" of "+owner)
}
