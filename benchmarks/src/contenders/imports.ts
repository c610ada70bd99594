import { registerHooks } from 'node:module'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { timed } from '../harness/measure.ts'
import type { Contender } from '../harness/scenario.ts'

const modules: Readonly<Record<string, () => Promise<unknown>>> = {
  'an empty package': () => import('@finchat/secrets-empty-package'),
  // What everyone loads who uses core: the parts that the first manager loads are among them.
  'core and a manager': async () => {
    const { createSecretsManager, envProvider } = await import('@finchat/secrets-core')
    return createSecretsManager({ providers: [envProvider()] })
  },
  'provider-local': () => import('@finchat/secrets-provider-local'),
  'provider-aws': () => import('@finchat/secrets-provider-aws'),
  'provider-vault': () => import('@finchat/secrets-provider-vault'),
  'keyv and an instance': async () => {
    const { Keyv } = await import('keyv')
    return new Keyv()
  },
  'lru-cache': () => import('lru-cache'),
  cacheable: () => import('cacheable'),
  unstorage: () => import('unstorage'),
  powertools: () => import('@aws-lambda-powertools/parameters/secrets'),
  SDK: () => import('@aws-sdk/client-secrets-manager'),
  'node-vault': () => import('node-vault'),
}

function importNamed(name: string): Promise<unknown> {
  const load = modules[name]
  if (load === undefined) throw new Error(`there is no module '${name}' here`)
  return load()
}

/** What the import of a module costs in a process that has imported nothing like it. */
export const timeOf =
  (name: string): Contender =>
  () => ({
    round: async () => {
      const before = process.memoryUsage.rss()
      const sample = await timed(1, 'ms', () => importNamed(name))
      return { ...sample, memory: (process.memoryUsage.rss() - before) / 2 ** 20 }
    },
  })

/** All files that the import reads, one after another, compressed. */
export const sizeOf =
  (name: string): Contender =>
  () => ({
    round: async () => {
      const loaded: string[] = []
      const hooks = registerHooks({
        load: (url, context, next) => {
          if (url.startsWith('file:')) loaded.push(fileURLToPath(url))
          return next(url, context)
        },
      })
      await importNamed(name)
      hooks.deregister()
      const text = Buffer.concat(loaded.map((file) => readFileSync(file)))
      return { gzipped: gzipSync(text, { level: 9 }).length / 1_000, files: loaded.length }
    },
  })
