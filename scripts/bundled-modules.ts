// Which modules `scripts/bundle.ts` takes into a package's files, by paths as every system writes them.
import type { CodeSplittingGroup } from 'rolldown'

/** Whether it is a file of the package: relative, below `src`, or absolute, as rolldown asks again once it is resolved. */
export function isOwnModule(specifier: string): boolean {
  return /^[./]|^[a-z]:[/\\]|^src\//i.test(specifier)
}

/** Modules that every command needs, in one chunk: each file that a process loads costs its start about 0.6 ms. */
export const programChunks: CodeSplittingGroup[] = [
  { name: 'start', test: /src[/\\]start\.ts$/ },
  { name: 'context', test: /src[/\\](commands[/\\]context|declared[/\\]fallbacks|transfer[/\\]content)\.ts$/ },
]
