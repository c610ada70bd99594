export { createCacheBucket, natsConnections, type BucketOptions, type NatsConnections, type NatsOptions } from './nats/connections.ts'
export type { NatsBucket, NatsBuckets, NatsConnection, NatsEntry, NatsMessage, NatsSubscription } from './nats/client.ts'
