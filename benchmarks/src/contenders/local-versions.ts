import { copyFileSync } from 'node:fs'
import { join } from 'node:path'
import { localProvider, type LocalProvider } from '@finchat/secrets-provider-local'
import { timed } from '../harness/measure.ts'
import type { Contender, Sample, Task } from '../harness/scenario.ts'
import { ownFile, pathAt, valueAt } from './local-work.ts'

interface Held {
  /** A file's name. In `kept` each put pushes out a version, as it does by default. */
  readonly store: string
  readonly versions: number
  readonly secrets: number
}

const context = { signal: new AbortController().signal }
const calls = 200

function opened({ setting }: Task, path: string, { store }: Held): LocalProvider {
  return localProvider({ path, key: String(setting['key']), ...(store !== 'kept' && { keepVersions: 'all' }) })
}

/** Each round on a new copy, so that ten versions do not become more than fifteen. */
export const versioned =
  (held: Held): Contender =>
  (task) => {
    const path = ownFile(task, 'versions.db')
    return {
      round: async () => {
        copyFileSync(join(task.setting['folder'] ?? '', `${held.store}.db`), path)
        const provider = opened(task, path, held)
        const sample = await putAndRead(provider, held, Math.ceil(calls * task.scale))
        await provider.close(context)
        return sample
      },
    }
  }

async function putAndRead(provider: LocalProvider, { versions, secrets }: Held, times: number): Promise<Sample> {
  const pathOf = (call: number): string => pathAt(Math.floor((call * secrets) / calls) % secrets)
  const last = (await provider.get(pathOf(0), context))?.version ?? 0
  const put = await timed(times, 'µs', async () => {
    for (let call = 0; call < times; call++) await provider.put(pathOf(call), { value: valueAt(call) }, context)
  })
  const read = await timed(times, 'µs', async () => {
    for (let call = 0; call < times; call++) await provider.getVersion(pathOf(call), last - ((call * 7_919) % versions), context)
  })
  return { put: Number(put['time']), cpu: Number(put['cpu']), version: Number(read['cpu']) }
}
