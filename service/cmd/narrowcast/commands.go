package main

import "github.com/spf13/cobra"

// commands are all commands, in the order of the help.
func (a *app) commands() []*cobra.Command {
	return []*cobra.Command{
		a.demoCommand(),
		a.initCommand(),
		a.serveCommand(),
		a.planCommand(),
		a.applyCommand(),
		a.audienceCommand(),
		a.clientCommand(),
		a.keysCommand(),
		a.storeCommand(),
		a.tokenCommand(),
		a.runCommand(),
		a.taskCommand(),
		a.guardCommand(),
		a.benchCommand(),
		a.conformCommand(),
		a.inspectCommand(),
		a.whereCommand(),
		a.revokeCommand(),
		a.lineageCommand(),
		a.whyCommand(),
		a.ledgerCommand(),
		a.settingsCommand(),
		a.versionCommand(),
	}
}
