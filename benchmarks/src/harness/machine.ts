import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os'

export interface Machine {
  readonly cores: number
  readonly cpu: string
  readonly memoryGB: number
  readonly system: string
  readonly node: string
}

export function describeMachine(): Machine {
  return {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    memoryGB: Math.round(totalmem() / 2 ** 30),
    system: `${platform()} ${arch()}`,
    node: process.version,
  }
}
