import type { CallContext, KeptMark, SharedUsage, UsageMark, UsagePath } from '@finchat/secrets-core'

/** Who uses one path. */
export interface HeldUsage {
  readonly completeSince: number
  readonly marks: Map<string, KeptMark>
}

/** Rejects, hangs or passes, as the plan has it. */
type Enter = (path: UsagePath, context: CallContext) => Promise<void>

/** Marks of use in the memory of one process; another process has another `enter`. */
export function memoryUsage(paths: Map<string, HeldUsage>, enter: Enter): SharedUsage {
  return {
    register: async (path, mark, context) => {
      await enter(path, context)
      register(paths, path, mark)
    },
    seen: async (path, process, context) => {
      await enter(path, context)
      const known = paths.get(idOf(path))?.marks
      const mark = known?.get(process)
      if (mark !== undefined) known?.set(process, { ...mark, seenAt: Date.now() })
      return mark !== undefined
    },
    read: async (path, context) => {
      await enter(path, context)
      const held = paths.get(idOf(path))
      return held && { completeSince: held.completeSince, marks: [...held.marks.values()] }
    },
    excuse: async (path, excused, context) => {
      await enter(path, context)
      const { marks } = paths.get(idOf(path)) ?? { marks: new Map<string, KeptMark>() }
      for (const mark of marks.values())
        if (excused.some(({ process, count }) => process === mark.process && count >= mark.count))
          marks.set(mark.process, { ...mark, isExcused: true })
    },
  }
}

function register(paths: Map<string, HeldUsage>, path: UsagePath, mark: UsageMark): void {
  const held = paths.get(idOf(path)) ?? { completeSince: Date.now(), marks: new Map<string, KeptMark>() }
  paths.set(idOf(path), held)
  if ((held.marks.get(mark.process)?.count ?? 0) >= mark.count) return
  if (mark.uses.length === 0) held.marks.delete(mark.process)
  else held.marks.set(mark.process, { ...mark, seenAt: Date.now(), isExcused: false })
}

function idOf({ sharedAs, path }: UsagePath): string {
  return JSON.stringify([sharedAs, path])
}
