package errcode

// entry is what is known of one code.
type entry struct {
	name      string // Kafka's name, as clients and documentation use it
	retriable bool   // Kafka's client raises a RetriableException for it
	message   string
}

// table holds the code c at index c+1, because the codes begin at -1.
var table = [...]entry{
	UnknownServerError + 1: {"UNKNOWN_SERVER_ERROR", false, "the broker met an unexpected error; its log says more"},
	None + 1:               {"NONE", false, "no error"},
	OffsetOutOfRange + 1:   {"OFFSET_OUT_OF_RANGE", false, "the offset lies outside the log of this partition"},
	CorruptMessage + 1: {
		"CORRUPT_MESSAGE", true,
		"the record batch is damaged: wrong checksum, impossible size, or no key where the topic needs one",
	},
	UnknownTopicOrPartition + 1: {"UNKNOWN_TOPIC_OR_PARTITION", true, "this broker has no such topic or partition"},
	InvalidFetchSize + 1:        {"INVALID_FETCH_SIZE", false, "the fetch size is not valid"},
	LeaderNotAvailable + 1:      {"LEADER_NOT_AVAILABLE", true, "the partition has no leader at the moment"},
	NotLeaderOrFollower + 1: {
		"NOT_LEADER_OR_FOLLOWER", true,
		"this broker is not the leader, or not a replica, of the partition",
	},
	RequestTimedOut + 1:     {"REQUEST_TIMED_OUT", true, "the request was not completed in time"},
	BrokerNotAvailable + 1:  {"BROKER_NOT_AVAILABLE", false, "the broker is not available"},
	ReplicaNotAvailable + 1: {"REPLICA_NOT_AVAILABLE", true, "the replica is not available on this broker"},
	MessageTooLarge + 1: {
		"MESSAGE_TOO_LARGE", false,
		"a record batch is larger than the topic's max.message.bytes allows",
	},
	StaleControllerEpoch + 1: {"STALE_CONTROLLER_EPOCH", false, "the controller epoch is out of date"},
	OffsetMetadataTooLarge + 1: {
		"OFFSET_METADATA_TOO_LARGE", false,
		"the metadata text of an offset commit is longer than offset.metadata.max.bytes",
	},
	NetworkException + 1: {"NETWORK_EXCEPTION", true, "the connection broke before a response arrived"},
	CoordinatorLoadInProgress + 1: {
		"COORDINATOR_LOAD_IN_PROGRESS", true,
		"the coordinator is still loading its state",
	},
	CoordinatorNotAvailable + 1: {"COORDINATOR_NOT_AVAILABLE", true, "the coordinator is not available"},
	NotCoordinator + 1:          {"NOT_COORDINATOR", true, "this broker is not the coordinator asked for"},
	InvalidTopicException + 1: {
		"INVALID_TOPIC_EXCEPTION", false,
		"the topic name is not valid, or the operation is not allowed on this topic",
	},
	RecordListTooLarge + 1: {
		"RECORD_LIST_TOO_LARGE", false,
		"the records are larger than one segment of the log may be",
	},
	NotEnoughReplicas + 1: {
		"NOT_ENOUGH_REPLICAS", true,
		"fewer replicas are in sync than min.insync.replicas; nothing was written",
	},
	NotEnoughReplicasAfterAppend + 1: {
		"NOT_ENOUGH_REPLICAS_AFTER_APPEND", true,
		"the records were written, but fewer replicas are in sync than min.insync.replicas",
	},
	InvalidRequiredAcks + 1: {"INVALID_REQUIRED_ACKS", false, "acks must be -1, 0 or 1"},
	IllegalGeneration + 1:   {"ILLEGAL_GENERATION", false, "the group generation does not match"},
	InconsistentGroupProtocol + 1: {
		"INCONSISTENT_GROUP_PROTOCOL", false,
		"the member's protocols have nothing in common with those of the group",
	},
	InvalidGroupID + 1:  {"INVALID_GROUP_ID", false, "the group id is not valid"},
	UnknownMemberID + 1: {"UNKNOWN_MEMBER_ID", false, "the coordinator does not know this member"},
	InvalidSessionTimeout + 1: {
		"INVALID_SESSION_TIMEOUT", false,
		"the session timeout is outside group.min.session.timeout.ms and group.max.session.timeout.ms",
	},
	RebalanceInProgress + 1: {"REBALANCE_IN_PROGRESS", false, "the group is rebalancing; join again"},
	InvalidCommitOffsetSize + 1: {
		"INVALID_COMMIT_OFFSET_SIZE", false,
		"the offset commit is larger than one batch may be",
	},
	TopicAuthorizationFailed + 1: {"TOPIC_AUTHORIZATION_FAILED", false, "not authorized for this topic"},
	GroupAuthorizationFailed + 1: {"GROUP_AUTHORIZATION_FAILED", false, "not authorized for this group"},
	ClusterAuthorizationFailed + 1: {
		"CLUSTER_AUTHORIZATION_FAILED", false,
		"not authorized for this operation on the cluster",
	},
	InvalidTimestamp + 1: {
		"INVALID_TIMESTAMP", false,
		"a record timestamp is outside the range that the topic accepts",
	},
	UnsupportedSaslMechanism + 1: {
		"UNSUPPORTED_SASL_MECHANISM", false,
		"the SASL mechanism is not enabled on this listener",
	},
	IllegalSaslState + 1:   {"ILLEGAL_SASL_STATE", false, "the request does not fit the state of the SASL exchange"},
	UnsupportedVersion + 1: {"UNSUPPORTED_VERSION", false, "this version of the API is not supported"},
	TopicAlreadyExists + 1: {"TOPIC_ALREADY_EXISTS", false, "a topic of this name exists already"},
	InvalidPartitions + 1:  {"INVALID_PARTITIONS", false, "the number of partitions is not valid"},
	InvalidReplicationFactor + 1: {
		"INVALID_REPLICATION_FACTOR", false,
		"the replication factor is below 1 or above the number of brokers",
	},
	InvalidReplicaAssignment + 1: {"INVALID_REPLICA_ASSIGNMENT", false, "the replica assignment is not valid"},
	InvalidConfig + 1:            {"INVALID_CONFIG", false, "a configuration value is not valid"},
	NotController + 1:            {"NOT_CONTROLLER", true, "this broker is not the controller"},
	InvalidRequest + 1:           {"INVALID_REQUEST", false, "the request contradicts itself or the protocol"},
	UnsupportedForMessageFormat + 1: {
		"UNSUPPORTED_FOR_MESSAGE_FORMAT", false,
		"the record format of the partition does not support the request",
	},
	PolicyViolation + 1: {"POLICY_VIOLATION", false, "the request breaks a configured policy"},
	OutOfOrderSequenceNumber + 1: {
		"OUT_OF_ORDER_SEQUENCE_NUMBER", false,
		"the batch does not continue the producer's sequence",
	},
	DuplicateSequenceNumber + 1: {
		"DUPLICATE_SEQUENCE_NUMBER", false,
		"the batch repeats a sequence number of the producer",
	},
	InvalidProducerEpoch + 1: {"INVALID_PRODUCER_EPOCH", false, "the producer epoch is older than the current one"},
	InvalidTxnState + 1:      {"INVALID_TXN_STATE", false, "the operation does not fit the state of the transaction"},
	InvalidProducerIDMapping + 1: {
		"INVALID_PRODUCER_ID_MAPPING", false,
		"the producer id does not belong to this transactional id",
	},
	InvalidTransactionTimeout + 1: {
		"INVALID_TRANSACTION_TIMEOUT", false,
		"the transaction timeout is above transaction.max.timeout.ms",
	},
	ConcurrentTransactions + 1: {
		"CONCURRENT_TRANSACTIONS", true,
		"another operation on this transaction is under way",
	},
	TransactionCoordinatorFenced + 1: {
		"TRANSACTION_COORDINATOR_FENCED", false,
		"a newer transaction coordinator has taken over",
	},
	TransactionalIDAuthorizationFailed + 1: {
		"TRANSACTIONAL_ID_AUTHORIZATION_FAILED", false,
		"not authorized for this transactional id",
	},
	SecurityDisabled + 1: {"SECURITY_DISABLED", false, "security features are switched off"},
	OperationNotAttempted + 1: {
		"OPERATION_NOT_ATTEMPTED", false,
		"the operation was not tried because another one in the same request failed",
	},
	KafkaStorageError + 1: {
		"KAFKA_STORAGE_ERROR", true,
		"the broker cannot read or write the partition's log; its log names the file",
	},
	LogDirNotFound + 1:              {"LOG_DIR_NOT_FOUND", false, "the broker has no such log directory"},
	SaslAuthenticationFailed + 1:    {"SASL_AUTHENTICATION_FAILED", false, "SASL authentication failed"},
	UnknownProducerID + 1:           {"UNKNOWN_PRODUCER_ID", false, "nothing is known of this producer id any more"},
	ReassignmentInProgress + 1:      {"REASSIGNMENT_IN_PROGRESS", false, "a reassignment of the partition is under way"},
	DelegationTokenAuthDisabled + 1: {"DELEGATION_TOKEN_AUTH_DISABLED", false, "delegation tokens are not enabled"},
	DelegationTokenNotFound + 1:     {"DELEGATION_TOKEN_NOT_FOUND", false, "there is no such delegation token"},
	DelegationTokenOwnerMismatch + 1: {
		"DELEGATION_TOKEN_OWNER_MISMATCH", false,
		"the principal neither owns nor may renew the delegation token",
	},
	DelegationTokenRequestNotAllowed + 1: {
		"DELEGATION_TOKEN_REQUEST_NOT_ALLOWED", false,
		"delegation token requests are not allowed on this kind of connection",
	},
	DelegationTokenAuthorizationFailed + 1: {
		"DELEGATION_TOKEN_AUTHORIZATION_FAILED", false,
		"not authorized for this delegation token",
	},
	DelegationTokenExpired + 1: {"DELEGATION_TOKEN_EXPIRED", false, "the delegation token has expired"},
	InvalidPrincipalType + 1:   {"INVALID_PRINCIPAL_TYPE", false, "the principal type is not supported"},
	NonEmptyGroup + 1:          {"NON_EMPTY_GROUP", false, "the group still has members"},
	GroupIDNotFound + 1:        {"GROUP_ID_NOT_FOUND", false, "there is no such group"},
	FetchSessionIDNotFound + 1: {"FETCH_SESSION_ID_NOT_FOUND", true, "there is no such fetch session"},
	InvalidFetchSessionEpoch + 1: {
		"INVALID_FETCH_SESSION_EPOCH", true,
		"the epoch of the fetch session does not match",
	},
	ListenerNotFound + 1: {
		"LISTENER_NOT_FOUND", true,
		"the leader has no listener of the name that the request came in by",
	},
	TopicDeletionDisabled + 1: {
		"TOPIC_DELETION_DISABLED", false,
		"deleting topics is switched off (delete.topic.enable)",
	},
	FencedLeaderEpoch + 1: {
		"FENCED_LEADER_EPOCH", true,
		"the leader epoch of the request is older than the broker's",
	},
	UnknownLeaderEpoch + 1: {
		"UNKNOWN_LEADER_EPOCH", true,
		"the leader epoch of the request is newer than the broker's",
	},
	UnsupportedCompressionType + 1: {
		"UNSUPPORTED_COMPRESSION_TYPE", false,
		"the client does not support the compression of the partition's records",
	},
	StaleBrokerEpoch + 1: {"STALE_BROKER_EPOCH", false, "the broker epoch has changed"},
	OffsetNotAvailable + 1: {
		"OFFSET_NOT_AVAILABLE", true,
		"the new leader's high watermark has not yet reached the start of its epoch",
	},
	MemberIDRequired + 1: {"MEMBER_ID_REQUIRED", false, "join again with the member id of this response"},
	PreferredLeaderNotAvailable + 1: {
		"PREFERRED_LEADER_NOT_AVAILABLE", true,
		"the preferred leader is not available",
	},
	GroupMaxSizeReached + 1: {
		"GROUP_MAX_SIZE_REACHED", false,
		"the group has as many members as group.max.size allows",
	},
	FencedInstanceID + 1: {"FENCED_INSTANCE_ID", false, "another member has taken over this group.instance.id"},
	EligibleLeadersNotAvailable + 1: {
		"ELIGIBLE_LEADERS_NOT_AVAILABLE", true,
		"no replica that may become leader is available",
	},
	ElectionNotNeeded + 1: {"ELECTION_NOT_NEEDED", true, "the partition needs no election"},
	NoReassignmentInProgress + 1: {
		"NO_REASSIGNMENT_IN_PROGRESS", false,
		"no reassignment of the partition is under way",
	},
	GroupSubscribedToTopic + 1: {
		"GROUP_SUBSCRIBED_TO_TOPIC", false,
		"the group is subscribed to the topic, so its offsets stay",
	},
	InvalidRecord + 1:        {"INVALID_RECORD", false, "a record failed the broker's checks"},
	UnstableOffsetCommit + 1: {"UNSTABLE_OFFSET_COMMIT", true, "offsets of an open transaction are pending"},
	ThrottlingQuotaExceeded + 1: {
		"THROTTLING_QUOTA_EXCEEDED", true,
		"the quota is used up; try again after the throttle time",
	},
	ProducerFenced + 1:         {"PRODUCER_FENCED", false, "a newer producer with the same transactional id has taken over"},
	ResourceNotFound + 1:       {"RESOURCE_NOT_FOUND", false, "the request names a resource that does not exist"},
	DuplicateResource + 1:      {"DUPLICATE_RESOURCE", false, "the request names the same resource twice"},
	UnacceptableCredential + 1: {"UNACCEPTABLE_CREDENTIAL", false, "the credential does not meet the requirements"},
	InconsistentVoterSet + 1: {
		"INCONSISTENT_VOTER_SET", false,
		"sender or receiver is not one of the expected voters",
	},
	InvalidUpdateVersion + 1: {"INVALID_UPDATE_VERSION", false, "the version in the update is not valid"},
	FeatureUpdateFailed + 1:  {"FEATURE_UPDATE_FAILED", false, "the finalized features could not be changed"},
	PrincipalDeserializationFailure + 1: {
		"PRINCIPAL_DESERIALIZATION_FAILURE", false,
		"the principal of a forwarded request cannot be read",
	},
	SnapshotNotFound + 1:   {"SNAPSHOT_NOT_FOUND", false, "there is no such snapshot"},
	PositionOutOfRange + 1: {"POSITION_OUT_OF_RANGE", false, "the position lies outside the snapshot"},
	UnknownTopicID + 1:     {"UNKNOWN_TOPIC_ID", true, "this broker has no topic of this id"},
	DuplicateBrokerRegistration + 1: {
		"DUPLICATE_BROKER_REGISTRATION", false,
		"another broker is registered under this id",
	},
	BrokerIDNotRegistered + 1:   {"BROKER_ID_NOT_REGISTERED", false, "no broker is registered under this id"},
	InconsistentTopicID + 1:     {"INCONSISTENT_TOPIC_ID", true, "the topic has been created anew under another id"},
	InconsistentClusterID + 1:   {"INCONSISTENT_CLUSTER_ID", false, "the request is meant for another cluster"},
	TransactionalIDNotFound + 1: {"TRANSACTIONAL_ID_NOT_FOUND", false, "there is no such transactional id"},
	FetchSessionTopicIDError + 1: {
		"FETCH_SESSION_TOPIC_ID_ERROR", true,
		"the fetch session mixes topic names and topic ids",
	},
	IneligibleReplica + 1: {"INELIGIBLE_REPLICA", false, "a replica of the proposed ISR may not join it"},
	NewLeaderElected + 1:  {"NEW_LEADER_ELECTED", false, "the partition was changed and got a new leader by that"},
	OffsetMovedToTieredStorage + 1: {
		"OFFSET_MOVED_TO_TIERED_STORAGE", false,
		"the offset is held in tiered storage only",
	},
	FencedMemberEpoch + 1: {
		"FENCED_MEMBER_EPOCH", false,
		"the member epoch is fenced; give up all partitions and join again",
	},
	UnreleasedInstanceID + 1: {"UNRELEASED_INSTANCE_ID", false, "another member still holds this group.instance.id"},
	UnsupportedAssignor + 1:  {"UNSUPPORTED_ASSIGNOR", false, "the group does not support this assignor"},
	StaleMemberEpoch + 1:     {"STALE_MEMBER_EPOCH", false, "the member epoch is out of date; send a heartbeat first"},
	MismatchedEndpointType + 1: {
		"MISMATCHED_ENDPOINT_TYPE", false,
		"the request was sent to the wrong kind of endpoint",
	},
	UnsupportedEndpointType + 1: {"UNSUPPORTED_ENDPOINT_TYPE", false, "this kind of endpoint is not supported"},
	UnknownControllerID + 1:     {"UNKNOWN_CONTROLLER_ID", false, "there is no controller of this id"},
	UnknownSubscriptionID + 1:   {"UNKNOWN_SUBSCRIPTION_ID", false, "the telemetry subscription id is out of date"},
	TelemetryTooLarge + 1:       {"TELEMETRY_TOO_LARGE", false, "the telemetry data is larger than the broker accepts"},
	InvalidRegistration + 1:     {"INVALID_REGISTRATION", false, "the controller refused the broker's registration"},
	TransactionAbortable + 1: {
		"TRANSACTION_ABORTABLE", false,
		"the transaction failed; abort it to go on with this transactional id",
	},
	InvalidRecordState + 1: {
		"INVALID_RECORD_STATE", false,
		"the record is not in a state in which it can be acknowledged",
	},
	ShareSessionNotFound + 1: {"SHARE_SESSION_NOT_FOUND", true, "there is no such share session"},
	InvalidShareSessionEpoch + 1: {
		"INVALID_SHARE_SESSION_EPOCH", true,
		"the epoch of the share session does not match",
	},
	FencedStateEpoch + 1:         {"FENCED_STATE_EPOCH", false, "the state epoch does not match"},
	InvalidVoterKey + 1:          {"INVALID_VOTER_KEY", false, "the voter key is not that of this replica"},
	DuplicateVoter + 1:           {"DUPLICATE_VOTER", false, "the voter is a member of the voter set already"},
	VoterNotFound + 1:            {"VOTER_NOT_FOUND", false, "the voter is not a member of the voter set"},
	InvalidRegularExpression + 1: {"INVALID_REGULAR_EXPRESSION", false, "the regular expression cannot be compiled"},
	RebootstrapRequired + 1: {
		"REBOOTSTRAP_REQUIRED", false,
		"the client's metadata is of another cluster or too old; start again from the bootstrap servers",
	},
	StreamsInvalidTopology + 1: {"STREAMS_INVALID_TOPOLOGY", false, "the streams topology is not valid"},
	StreamsInvalidTopologyEpoch + 1: {
		"STREAMS_INVALID_TOPOLOGY_EPOCH", false,
		"the epoch of the streams topology is not valid",
	},
	StreamsTopologyFenced + 1: {"STREAMS_TOPOLOGY_FENCED", false, "the epoch of the streams topology is out of date"},
	ShareSessionLimitReached + 1: {
		"SHARE_SESSION_LIMIT_REACHED", true,
		"the broker holds as many share sessions as it may",
	},
	GroupDeletionFailed + 1: {
		"GROUP_DELETION_FAILED", false,
		"the group could not be deleted; the result of each group says why",
	},
	StreamsTopologyDescriptionUpdateFailed + 1: {
		"STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED", false,
		"the description of the streams topology could not be stored",
	},
	ControllerIDNotRegistered + 1: {
		"CONTROLLER_ID_NOT_REGISTERED", false,
		"no controller is registered under this id",
	},
}
