package main

import (
	"github.com/spf13/cobra"
)

func newStorageInfo() *cobra.Command { return &cobra.Command{Use: "info"} }
