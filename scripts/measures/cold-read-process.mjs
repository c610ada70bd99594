// `node cold-read-process.mjs SOURCES`: lists the files below SOURCES in which a cold read of a
// secret calls a function. Another read loads everything first. V8's precise coverage counts the
// calls.
import { Session } from 'node:inspector/promises'
import { pathToFileURL } from 'node:url'

const sources = `${pathToFileURL(process.argv[2]).href}/`
const { createSecretsManager } = await import(`${sources}index.ts`)
const get = async (path) => ({ value: `value of ${path}`, version: 1 })
const manager = createSecretsManager({ providers: [{ specificationVersion: 'v1', name: 'store', get }] })
await manager.getSecret('WARM')

const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
await session.post('Profiler.takePreciseCoverage')
await manager.getSecret('COLD')
const { result } = await session.post('Profiler.takePreciseCoverage')
session.disconnect()
await manager.close()

const isCalled = ({ functionName, ranges: [{ startOffset, count }] }) => count > 0 && (functionName !== '' || startOffset > 0)
const entered = result.filter(({ url, functions }) => url.startsWith(sources) && functions.some(isCalled))
console.log(JSON.stringify(entered.map(({ url }) => url.slice(sources.length)).toSorted()))
