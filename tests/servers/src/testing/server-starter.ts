// A process that starts a server, as a test runner does, and waits to be ended. Its argument is the
// folder.
import { startProcess } from '../server-process.ts'

const [, , folder = ''] = process.argv
const program = 'echo listening; trap "" HUP; while :; do sleep 0.1; done'
const server = await startProcess({ folder, program: '/bin/sh', args: ['-c', program] })
console.log(server.pid)
process.stdin.resume().on('end', () => process.exit())
