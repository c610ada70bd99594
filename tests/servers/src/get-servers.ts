// `pnpm servers [NAME…]`: gets what the tests need, once. With CI set, a server that cannot be had
// is a failure.
import { parseArgs } from 'node:util'
import { servers, type ServerName } from './catalogue.ts'
import { getServer } from './get-server.ts'

function isServerName(name: string): name is ServerName {
  return Object.hasOwn(servers, name)
}

const { positionals } = parseArgs({ allowPositionals: true })
const unknown = positionals.filter((name) => !isServerName(name))
const wanted = (positionals.length > 0 ? positionals : Object.keys(servers)).filter(isServerName)
for (const name of unknown) console.error(`there is no server '${name}': ${Object.keys(servers).join(', ')}`)
const results = await Promise.all(wanted.map(getServer))
for (const server of results) {
  if (server.found) console.log(`${server.title} is in ${server.program}`)
  else console.log(`NOT HAD  ${server.title}: ${server.reason}. ${server.remedy}`)
}
const missing = results.some((server, index) => !server.found && !servers[wanted[index] ?? 'openbao'].isOptional)
process.exitCode = unknown.length > 0 || (missing && process.env['CI']) ? 1 : 0
