import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { SecretsManager } from '@finchat/secrets-core'
import { Controller, Get, Module } from '@nestjs/common'
import { APP_GUARD, NestFactory } from '@nestjs/core'
import { tokenStatus } from '../recipes/bearer-token.ts'
import { expressApp } from '../recipes/express.ts'
import { fastifyApp } from '../recipes/fastify.ts'
import { addProbes, Guard } from '../recipes/nest.ts'
import { closeOnSignal } from '../recipes/shutdown.ts'

interface Service {
  readonly url: string
  readonly close: () => Promise<unknown>
}

const statusOf = (secrets: SecretsManager): ReturnType<typeof tokenStatus> => tokenStatus(secrets, 'FINCHAT_TOKEN')

type Start = (secrets: SecretsManager, needed: readonly string[]) => Promise<Service>

/** The work of a request: it reads a secret after a while, as one that SIGTERM overtakes does. */
async function work(secrets: SecretsManager): Promise<{ length: number }> {
  await pause(300)
  return { length: (await secrets.getSecret('DB', { fresh: true })).length }
}

const startExpress: Start = async (secrets, needed) => {
  const app = expressApp(secrets, needed, statusOf(secrets))
  app.get('/work', async (_request, response) => void response.json(await work(secrets)))
  const server = app.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closeOnSignal(server, secrets)
  const { port } = server.address() as AddressInfo // it listens on a port
  return { url: `http://127.0.0.1:${port}`, close: async () => void server.close() }
}

const startFastify: Start = async (secrets, needed) => {
  const app = fastifyApp(secrets, needed, {
    statusOf: statusOf(secrets),
    routes: (guarded) => void guarded.get('/work', () => work(secrets)),
  })
  return { url: await app.listen({ port: 0, host: '127.0.0.1' }), close: () => app.close() }
}

const startNest: Start = async (secrets, needed) => {
  class Work {
    readonly kind = 'work'
    work(): Promise<object> {
      return work(secrets)
    }
  }
  class App {
    readonly kind = 'app'
  }
  // Calls, since Node.js runs no decorators.
  Get('work')(Work.prototype, 'work', Object.getOwnPropertyDescriptor(Work.prototype, 'work') ?? {})
  Controller()(Work)
  Module({ controllers: [Work], providers: [{ provide: APP_GUARD, useValue: new Guard(secrets, statusOf(secrets)) }] })(App)
  const app = await NestFactory.create(App, { logger: false })
  addProbes(app, secrets, needed)
  await app.listen(0, '127.0.0.1')
  return { url: (await app.getUrl()).replace('[::1]', '127.0.0.1'), close: () => app.close() }
}

export const services: Readonly<Record<string, Start>> = { express: startExpress, fastify: startFastify, nest: startNest }
