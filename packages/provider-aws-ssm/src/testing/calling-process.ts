// Reads and writes by a process of its own: `node calling-process.ts ENDPOINT`. Prints how many canaries
// of its environment a diagnostic report and its errors show, and how many calls failed.
import { ssmProvider } from '../ssm-provider.ts'

const { CANARY_OF_THE_VALUE: value = '', AWS_SECRET_ACCESS_KEY: key = '', AWS_SESSION_TOKEN: token = '' } = process.env
const context = { signal: new AbortController().signal }
const provider = ssmProvider({ region: 'eu-west-1', endpoint: process.argv[2], clientConfig: { maxAttempts: 1 } })
const calls = [
  provider.get('/prod/db', context),
  provider.getMany(['/prod/db', '/prod/other'], context),
  provider.put('/prod/db', { value }, context),
  provider.describe('/prod/db', context),
  provider.checkHealth(context),
]
const failures = (await Promise.allSettled(calls)).map((call) => (call.status === 'rejected' ? String(call.reason) : ''))
await provider.close()
const { environmentVariables: _, ...report } = Object(process.report.getReport()) // those are as they were given to it
const shown = JSON.stringify([report, failures])
const found = [value, key, token].filter((canary) => canary === '' || shown.includes(canary))
process.stdout.write(`${found.length} ${failures.filter(Boolean).length}`)
