package main

import "github.com/containernetworking/plugins/pkg/ns"

var cni = operations{
	"current": func() (func() error, error) {
		return func() error {
			handle, err := ns.GetCurrentNS()
			if err != nil {
				return err
			}
			return handle.Close()
		}, nil
	},
	"from-name": func() (func() error, error) {
		return func() error {
			handle, err := ns.GetNS("/run/netns/bench")
			if err != nil {
				return err
			}
			return handle.Close()
		}, nil
	},
	"run-sync": func() (func() error, error) {
		inside, err := ns.GetNS("/run/netns/bench")
		return func() error {
			return inside.Do(func(ns.NetNS) error { return nil })
		}, err
	},
}
