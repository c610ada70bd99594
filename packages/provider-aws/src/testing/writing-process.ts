// One write by a process of its own, which a test may kill: `node writer.ts ENDPOINT PATH VALUE VERSION`.
import { awsProvider } from '../aws-provider.ts'

const [endpoint = '', path = '', value = '', version = ''] = process.argv.slice(2)
const provider = awsProvider({
  region: 'eu-west-1',
  endpoint,
  timeoutMs: 60_000,
  clientConfig: { credentials: { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'of-no-account' } },
})
await provider.put(path, { value, version: Number(version) }, { signal: new AbortController().signal })
