import { redisKind } from './testing/engines/redis.ts'
import { testEngine } from './testing/engines/suite.ts'

testEngine(redisKind)
