// One of the processes. It does what main.ts asks for, and answers.
import { openSharedSecrets, type SharedCacheOptions } from './shared-secrets.ts'
import { storeProvider } from './store.ts'

export interface WorkerOptions extends SharedCacheOptions {
  readonly storeUrl: string
}

export type Task = { readonly start: WorkerOptions } | { readonly read: number } | { readonly rotate: string } | { readonly until: number }

const name = 'DATABASE_PASSWORD'
let opened: Awaited<ReturnType<typeof openSharedSecrets>> | undefined

async function run(task: Task): Promise<number | undefined> {
  if ('start' in task) {
    opened = await openSharedSecrets(storeProvider(task.start.storeUrl), task.start)
    return undefined
  }
  if (opened === undefined) throw new Error('begin with `start`')
  const { secrets } = opened
  if ('rotate' in task) return (await secrets.rotateSecret(name, task.rotate)).version
  if ('read' in task) {
    const values = await Promise.all(Array.from({ length: task.read }, () => secrets.getSecretValue(name)))
    return values.at(-1)?.version
  }
  for (;;) {
    const { version } = await secrets.getSecretValue(name)
    if (version === task.until) return Date.now()
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

process.on('message', (task: Task) => {
  void run(task).then((answer) => process.send?.({ answer }))
})
process.once('disconnect', () => void opened?.close())
