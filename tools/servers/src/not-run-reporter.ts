import type { Reporter, TestModule } from 'vitest/node'

/** Names, after everything else, the suites that did not run for want of a server. */
export default class NotRunReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const lines = modules.flatMap((module) =>
      [...module.children.allSuites()].flatMap((suite) => {
        const { notRun } = suite.meta()
        const { moduleId, relativeModuleId = moduleId } = module
        return notRun ? [`NOT RUN  ${relativeModuleId} > ${suite.fullName} needs ${notRun}`] : []
      }),
    )
    if (lines.length > 0) console.log(`\n${lines.join('\n')}`)
  }
}
