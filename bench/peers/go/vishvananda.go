package main

import (
	"errors"
	"os/exec"

	"github.com/vishvananda/netns"
)

var vishvananda = operations{
	"current": func() (func() error, error) {
		return func() error {
			handle, err := netns.Get()
			if err != nil {
				return err
			}
			return handle.Close()
		}, nil
	},
	"from-name": func() (func() error, error) {
		return func() error {
			handle, err := netns.GetFromName("bench")
			if err != nil {
				return err
			}
			return handle.Close()
		}, nil
	},
	"equals": func() (func() error, error) {
		one, inside, err := both()
		return func() error {
			if one.Equal(inside) {
				return errors.New("two namespaces cannot be one")
			}
			return nil
		}, err
	},
	"run-sync": func() (func() error, error) {
		home, inside, err := both()
		return func() error {
			if err := netns.Set(inside); err != nil {
				return err
			}
			return netns.Set(home)
		}, err
	},
	"spawn": func() (func() error, error) {
		home, inside, err := both()
		return func() error {
			if err := netns.Set(inside); err != nil {
				return err
			}
			command := exec.Command("/bin/true")
			started := command.Start()
			if err := netns.Set(home); err != nil {
				return err
			}
			if started != nil {
				return started
			}
			return command.Wait()
		}, err
	},
	"create": func() (func() error, error) {
		home, err := netns.Get()
		return func() error {
			created, err := netns.New()
			if err != nil {
				return err
			}
			if err := netns.Set(home); err != nil {
				return err
			}
			return created.Close()
		}, err
	},
	"create-named": func() (func() error, error) {
		home, err := netns.Get()
		return func() error {
			created, err := netns.NewNamed("go")
			if err != nil {
				return err
			}
			if err := netns.Set(home); err != nil {
				return err
			}
			if err := created.Close(); err != nil {
				return err
			}
			return netns.DeleteNamed("go")
		}, err
	},
}

func both() (home, inside netns.NsHandle, err error) {
	if home, err = netns.Get(); err == nil {
		inside, err = netns.GetFromName("bench")
	}
	return home, inside, err
}
