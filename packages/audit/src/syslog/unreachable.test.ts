import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import { selfSigned } from '../testing/self-signed.ts'
import { streamServer } from '../testing/syslog-server.ts'
import { checkedSyslogOptions } from './syslog-options.ts'
import { openStream } from './syslog-stream.ts'
import { unreachable } from './unreachable.ts'

describe('a syslog server that cannot be used', () => {
  it('that is not there is told from one that is', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    server.close()
    const options = checkedSyslogOptions({ host: '127.0.0.1', port, transport: 'tcp' })
    await expect(openStream(options, () => undefined)).rejects.toMatchObject({
      problem: 'nothing listens at that port of the syslog server',
    })
  })

  it('that nobody knows by name is told from one that refuses', async () => {
    const options = checkedSyslogOptions({ host: 'syslog.invalid', transport: 'tcp' })
    await expect(openStream(options, () => undefined)).rejects.toMatchObject({ problem: 'the name of the syslog server is unknown here' })
  })

  it('whose authority is unknown is told from one with another name', async () => {
    const { cert, key } = selfSigned()
    await using server = await streamServer({ tls: { cert, key } })
    const problem = (ca?: string, servername?: string) => {
      const tls = { ...(ca !== undefined && { ca }), ...(servername !== undefined && { servername }) }
      return openStream(checkedSyslogOptions({ host: '127.0.0.1', port: server.port, tls }), () => undefined).catch(
        (error: { problem: string }) => error.problem,
      )
    }
    expect(await problem()).toBe("the authority of the syslog server's certificate is not trusted")
    expect(await problem(cert, 'another.example')).toBe("the syslog server's certificate names another host")
  })

  it.each([
    ['CERT_HAS_EXPIRED', 'not valid now'],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', 'not trusted'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'refused the TLS handshake'],
    ['EPROTO', 'speaks no TLS'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'speaks no TLS'],
    ['ETIMEDOUT', 'cannot be reached'],
  ])('by %s says that it is %s, and nothing of the failure', (code, problem) => {
    const failure = Object.assign(new Error('canary-4711'), { code })
    const error = unreachable(failure)
    expect(error).toMatchObject({ code: 'AUDIT_FAILED', problem: expect.stringContaining(problem) })
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('canary')
  })
})
