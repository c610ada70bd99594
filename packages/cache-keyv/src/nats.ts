export { createCacheBucket, natsConnections, type BucketOptions, type NatsConnections, type NatsOptions } from './nats/connections.ts'
export type {
  NatsBucket,
  NatsBuckets,
  NatsConnection,
  NatsEntry,
  NatsManager,
  NatsMessage,
  NatsStreamConfig,
  NatsStreamInfo,
  NatsSubscription,
  NatsWriteOptions,
} from './nats/client.ts'
