import type { Reporter, TestModule } from 'vitest/node'

/** Names, after everything else, the suites that did not run for want of a server. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) =>
      [...module.children.allSuites()].flatMap((suite) => {
        const { notRun } = suite.meta()
        return notRun ? [`NOT RUN  ${module.relativeModuleId} > ${suite.fullName}: needs ${notRun}`] : []
      }),
    )
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`)
  }
}
