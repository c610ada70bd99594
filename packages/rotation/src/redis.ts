export { redisAclUser, type RedisAclUserOptions, type RedisNode } from './targets/redis/redis-acl-user.ts'
export type { RedisClient, RedisLogin, RedisTransaction } from './targets/redis/client.ts'
